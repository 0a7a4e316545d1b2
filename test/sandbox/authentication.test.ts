import { createHash } from 'node:crypto'
import {
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  UploadPartCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { client, outcome, type Practice, startPractice } from './practice.ts'

const Bucket = 'signed'
let practice: Practice
/** The sandbox's clock is this far ahead: milliseconds. */
let ahead = 0

beforeAll(async () => {
  practice = await startPractice({ now: () => new Date(Date.now() + ahead) })
  await practice.group.send(new CreateBucketCommand({ Bucket }))
  await practice.group.send(new PutObjectCommand({ Bucket, Key: 'letter', Body: 'dear reader' }))
})
afterAll(async () => {
  await practice.close()
})

/** Runs with the sandbox's clock moved, and moves it back. */
async function atOffset<T>(milliseconds: number, run: () => Promise<T>): Promise<T> {
  ahead = milliseconds
  try {
    return await run()
  } finally {
    ahead = 0
  }
}

const minutes = 60_000
const codeOf = async (response: Response): Promise<string> =>
  `${response.status} ${/<Code>(\w+)/.exec(await response.text())?.[1] ?? ''}`.trim()
const stored = async (Key: string): Promise<string> =>
  outcome(practice.group.send(new GetObjectCommand({ Bucket, Key })))

describe('a request signed in its headers', () => {
  it('is refused with a wrong secret, and with an access key nobody has', async () => {
    const { accessKeyId, secretAccessKey } = practice.projects.group
    const wrong = client(practice.endpoint, { accessKeyId, secretAccessKey: `${secretAccessKey}x` })
    const unknown = client(practice.endpoint, { accessKeyId: 'NOBODY', secretAccessKey })
    expect(await outcome(wrong.send(new ListBucketsCommand({})))).toBe('403 SignatureDoesNotMatch')
    expect(await outcome(unknown.send(new ListBucketsCommand({})))).toBe('403 InvalidAccessKeyId')
  })

  it('may be 14 minutes off, not 16', async () => {
    // An SDK that was told the server's time corrects its own clock, so each try needs a client of its own.
    const asked = () =>
      outcome(client(practice.endpoint, practice.projects.group).send(new ListBucketsCommand({})))
    expect(await atOffset(14 * minutes, asked)).toBe('200')
    expect(await atOffset(-14 * minutes, asked)).toBe('200')
    expect(await atOffset(16 * minutes, asked)).toBe('403 RequestTimeTooSkewed')
    expect(await atOffset(-16 * minutes, asked)).toBe('403 RequestTimeTooSkewed')
  })

  it.each(['eu-west-1', 'default', 'regionOne'])('may name the region %s', async (region) => {
    const there = client(practice.endpoint, practice.projects.group, { region })
    expect(await outcome(there.send(new ListBucketsCommand({})))).toBe('200')
  })

  it.each(['plain', 'a b', 'ä/ö', "quo'te(1)*!", 'plus+and&eq=', '%25', '~tilde', 'x//y/', 'a?b#c', '../up'])(
    'is understood for the object key %s',
    async (Key) => {
      await practice.group.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
      const { Body } = await practice.group.send(new GetObjectCommand({ Bucket, Key }))
      expect(await Body!.transformToString()).toBe(Key)
    },
  )

  it('covers the body: other bytes are refused and nothing is stored', async () => {
    const tampering = client(practice.endpoint, practice.projects.group)
    tampering.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { body: unknown }
        request.body = Buffer.from('other bytes')
        return next(args)
      },
      { step: 'finalizeRequest', priority: 'low', override: true },
    )
    const put = new PutObjectCommand({ Bucket, Key: 'tampered', Body: Buffer.from('signed body') })
    expect(await outcome(tampering.send(put))).toBe('400 XAmzContentSHA256Mismatch')
    expect(await stored('tampered')).toBe('404 NoSuchKey')

    const { UploadId } = await practice.group.send(
      new CreateMultipartUploadCommand({ Bucket, Key: 'tampered' }),
    )
    const part = { Bucket, Key: 'tampered', UploadId, PartNumber: 1, Body: Buffer.from('signed body') }
    expect(await outcome(tampering.send(new UploadPartCommand(part)))).toBe('400 XAmzContentSHA256Mismatch')
  })

  it('covers every x-amz header: one that was added is refused', async () => {
    const adding = client(practice.endpoint, practice.projects.group)
    adding.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { headers: Record<string, string> }
        request.headers['x-amz-acl'] = 'public-read'
        return next(args)
      },
      { step: 'finalizeRequest', priority: 'low', override: true },
    )
    const put = new PutObjectCommand({ Bucket, Key: 'opened', Body: 'x' })
    expect(await outcome(adding.send(put))).toBe('403 AccessDenied')
    expect(await stored('opened')).toBe('404 NoSuchKey')
  })

  it('of another kind than SigV4 is refused', async () => {
    const old = await fetch(`${practice.endpoint}/${Bucket}/letter`, {
      headers: { authorization: 'AWS key:signature' },
    })
    expect(await codeOf(old)).toBe('400 InvalidRequest')
  })

  it('with a Content-MD5 that is not the body’s is refused and not stored', async () => {
    const ContentMD5 = createHash('md5').update('something else').digest('base64')
    const put = (Key: string, md5: string) =>
      outcome(practice.group.send(new PutObjectCommand({ Bucket, Key, Body: 'body', ContentMD5: md5 })))
    expect(await put('digest', ContentMD5)).toBe('400 BadDigest')
    expect(await put('digest', 'AAAA')).toBe('400 InvalidDigest')
    expect(await stored('digest')).toBe('404 NoSuchKey')
    expect(await put('digest', createHash('md5').update('body').digest('base64'))).toBe('200')
  })

  it.each(['ChecksumCRC32', 'ChecksumSHA256'])('with a wrong %s is refused and not stored', async (name) => {
    const wrong = { [name]: name === 'ChecksumCRC32' ? 'AAAAAA==' : createHash('sha256').digest('base64') }
    const put = new PutObjectCommand({ Bucket, Key: 'checked', Body: 'body', ...wrong })
    expect(await outcome(practice.group.send(put))).toBe('400 BadDigest')
    expect(await stored('checked')).toBe('404 NoSuchKey')
  })
})

describe('a presigned URL', () => {
  const get = new GetObjectCommand({ Bucket, Key: 'letter' })

  it('works for who has no credentials, until it expires', async () => {
    const url = await getSignedUrl(practice.group, get, { expiresIn: 60 })
    expect(await (await fetch(url)).text()).toBe('dear reader')
    expect(await codeOf(await atOffset(59_000, () => fetch(url)))).toBe('200')
    expect(await codeOf(await atOffset(62_000, () => fetch(url)))).toBe('403 AccessDenied')
  })

  it('from the future is refused', async () => {
    const url = await getSignedUrl(practice.group, get, { expiresIn: 60 })
    expect(await codeOf(await atOffset(-16 * minutes, () => fetch(url)))).toBe('403 RequestTimeTooSkewed')
  })

  it.each([
    ['another object', (url: string) => url.replace('/letter?', '/tampered?')],
    ['a longer life', (url: string) => url.replace('X-Amz-Expires=60', 'X-Amz-Expires=6000')],
    ['a parameter more', (url: string) => `${url}&versionId=null`],
    ['another signature', (url: string) => url.replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
    [
      'another signer',
      (url: string) =>
        url.replace(practice.projects.group.accessKeyId, practice.projects.producer.accessKeyId),
    ],
  ])('with %s is refused', async (_change, change) => {
    const url = change(await getSignedUrl(practice.group, get, { expiresIn: 60 }))
    expect(await codeOf(await fetch(url))).toBe('403 SignatureDoesNotMatch')
  })

  it('is for its method only', async () => {
    const url = await getSignedUrl(practice.group, get, { expiresIn: 60 })
    expect(await codeOf(await fetch(url, { method: 'DELETE' }))).toBe('403 SignatureDoesNotMatch')
    expect(await codeOf(await fetch(url, { method: 'PUT', body: 'x' }))).toBe('403 SignatureDoesNotMatch')
    expect(await stored('letter')).toBe('200')
  })

  it('gives no more than its signer has', async () => {
    const url = await getSignedUrl(practice.outsider, get, { expiresIn: 60 })
    expect(await codeOf(await fetch(url))).toBe('403 AccessDenied')
  })

  it('takes an object, but no header its signer did not sign', async () => {
    const url = await getSignedUrl(practice.group, new PutObjectCommand({ Bucket, Key: 'sent' }), {
      expiresIn: 60,
    })
    const open = await fetch(url, { method: 'PUT', body: 'x', headers: { 'x-amz-acl': 'public-read' } })
    expect(await codeOf(open)).toBe('403 AccessDenied')
    expect(await codeOf(await fetch(url, { method: 'PUT', body: 'x' }))).toBe('200')
    expect(await codeOf(await fetch(`${practice.endpoint}/${Bucket}/sent`))).toBe('403 AccessDenied')
  })
})
