/** Changing readers at a server that lies, or while somebody else writes: the object is whole at every moment. */
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3ServiceException,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'

import { decryptStream } from '../../src/crypto/crypt4gh/crypt4gh.ts'
import { ENCRYPTED_SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { serializePublicKey } from '../../src/crypto/keys/public-key-file.ts'
import { serializeSecretKey } from '../../src/crypto/keys/secret-key-file.ts'
import { createS3Store } from '../../src/storage/s3/s3-store.ts'
import { withRetry } from '../../src/storage/with-retry.ts'
import { rekeyObject } from '../../src/workflows/rekey/rekey-object.ts'
import { chunked, collect } from '../crypto/vectors.ts'
import { expectFailure } from '../support/failure.ts'
import {
  isComplete,
  isGet,
  isPartCopy,
  startLyingServer,
  type Lie,
  type LyingServer,
  type SeenRequest,
} from '../support/lying-server.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'
import { sealedObject } from '../support/sealed-object.ts'

const BUCKET = 'animine-data-import-7'
const VERSIONED = 'animine-data-import-8'
const KEY = 'run 12/reads.bam.c4gh'
const MIB = 1024 ** 2

const CHANGED = { code: 14, error: /written to while|not the object it was/ }

onEveryBackend('changing the readers of an object', (stage) => {
  let server: LyingServer
  let owner: KeyPair
  let carol: KeyPair
  const plaintext = randomBytes(14 * MIB + 77)
  let large: Buffer
  let small: Buffer

  beforeAll(async () => {
    const { backend, group } = stage()
    server = await startLyingServer(backend.endpoint)
    owner = await generateKeyPair()
    carol = await generateKeyPair()
    large = await sealedObject(plaintext, owner)
    small = await sealedObject(plaintext.subarray(0, 200_000), owner)
    await writeFile(join(group.home, 'owner.sec'), await serializeSecretKey(owner, {}), { mode: 0o600 })
    await writeFile(join(group.home, 'carol.pub'), serializePublicKey(carol.publicKey))
    for (const Bucket of [BUCKET, VERSIONED]) await group.s3.send(new CreateBucketCommand({ Bucket }))
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await group.s3.send(new PutBucketVersioningCommand({ Bucket: VERSIONED, VersioningConfiguration }))
  })
  afterEach(() => {
    server.behave()
  })
  afterAll(async () => {
    await server.close()
  })

  const put = async (Bucket: string, Body: Uint8Array): Promise<void> => {
    await stage().group.s3.send(new PutObjectCommand({ Bucket, Key: KEY, Body }))
  }
  const stored = async (Bucket: string): Promise<Buffer> => {
    const { Body } = await stage().group.s3.send(new GetObjectCommand({ Bucket, Key: KEY }))
    return Buffer.from(await Body!.transformToByteArray())
  }
  const unfinished = async (Bucket: string): Promise<number> => {
    const { Uploads = [] } = await stage().group.s3.send(new ListMultipartUploadsCommand({ Bucket }))
    return Uploads.length
  }
  const rekey = (bucket: string, ...more: string[]) =>
    stage().group.sealift([
      ...['rekey', `s3://${bucket}/${KEY}`, '--identity', 'owner.sec', '--add', 'carol.pub'],
      ...['--endpoint-url', server.endpoint, ...more],
    ])
  const expectRekeyed = async (bucket: string, size = plaintext.length): Promise<void> => {
    const object = await stored(bucket)
    for (const reader of [owner, carol]) {
      const opened = await collect(decryptStream(chunked(object, MIB), [reader]))
      expect(plaintext.subarray(0, size).equals(opened)).toBe(true)
    }
  }
  const expectAsBefore = async (bucket: string, before: Buffer): Promise<void> => {
    expect((await stored(bucket)).equals(before)).toBe(true)
  }
  /** What the first request of a kind is answered with; the others are the server's. */
  const once = (is: (request: SeenRequest) => boolean, act: () => Promise<void>): LyingServer['lie'] => {
    let isDone = false
    return async (request) => {
      if (!isDone && is(request)) {
        isDone = true
        await act()
      }
      return undefined
    }
  }
  /** Copies another range than was asked for, and says what it would have said. */
  const shifted =
    (by: number): LyingServer['lie'] =>
    async (request) => {
      if (!isPartCopy(request)) return undefined
      const { query, headers } = request
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(String(headers['x-amz-copy-source-range'])) ?? []
      const command = new UploadPartCopyCommand({
        Bucket: request.path.split('/')[1]!,
        Key: KEY,
        UploadId: query.get('uploadId')!,
        PartNumber: Number(query.get('partNumber')),
        CopySource: String(headers['x-amz-copy-source']),
        CopySourceRange: `bytes=${Number(first) - by}-${Number(last) - by}`,
      })
      const { CopyPartResult } = await stage().group.s3.send(command)
      return partCopied(CopyPartResult?.ETag ?? '')
    }

  it.each([
    ['shorter', 6 * MIB],
    ['as long', undefined],
  ])('leaves what somebody else stored meanwhile: a large object, now %s', async (_title, size) => {
    const theirs = randomBytes(size ?? large.length)
    await put(BUCKET, large)
    server.lie = once(isPartCopy, () => put(BUCKET, theirs))
    expectFailure(await rekey(BUCKET), CHANGED)
    await expectAsBefore(BUCKET, theirs)
    expect(await unfinished(BUCKET)).toBe(0)
  })

  it('leaves what somebody else stored meanwhile: a small object', async () => {
    const theirs = randomBytes(1000)
    await put(BUCKET, small)
    let isRead = false
    server.lie = async (request) => {
      // After the object was read, and before whatever comes next.
      if (isRead && !isGet(request)) {
        isRead = false
        await put(BUCKET, theirs)
      }
      isRead ||= isGet(request)
      return undefined
    }
    expectFailure(await rekey(BUCKET), CHANGED)
    await expectAsBefore(BUCKET, theirs)
  })

  it('hides nothing that was delivered at the last moment, where versions are kept', async () => {
    const { group } = stage()
    const theirs = randomBytes(6 * MIB)
    await put(VERSIONED, large)
    server.lie = once(isComplete, () => put(VERSIONED, theirs))
    expectFailure(await rekey(VERSIONED), CHANGED)
    // Either it is what the name stands for, or a version that is still there and was named.
    const { Versions = [] } = await group.s3.send(
      new ListObjectVersionsCommand({ Bucket: VERSIONED, Prefix: KEY }),
    )
    expect(Versions.some(({ Size }) => Size === theirs.length)).toBe(true)
    await expectAsBefore(VERSIONED, theirs)
  })

  it.each([
    ['a hundred bytes', 100],
    ['a whole segment', ENCRYPTED_SEGMENT_SIZE],
    ['two segments', 2 * ENCRYPTED_SEGMENT_SIZE],
  ])('finds out a server that copies a range %s too early', async (_title, by) => {
    for (const bucket of [BUCKET, VERSIONED]) {
      await put(bucket, large)
      server.lie = shifted(by)
      expectFailure(await rekey(bucket), { code: 13, error: /reads\.bam/ })
      expect(server.lies).toBeGreaterThan(0)
      server.behave()
      // Where versions are kept the wrong one goes away again.
      if (bucket === VERSIONED) await expectAsBefore(bucket, large)
    }
  })

  it('believes the list of parts more than the answer for one', async () => {
    await put(BUCKET, large)
    server.lie = async (request) => {
      const lie = await shifted(0)(request)
      return lie === undefined ? undefined : partCopied('"feedfacefeedfacefeedfacefeedface"')
    }
    const run = await rekey(BUCKET)
    expect(run.code).not.toBe(0)
    await expectAsBefore(BUCKET, large)
    expect(await unfinished(BUCKET)).toBe(0)
    server.behave()
    expect(await rekey(BUCKET)).toMatchObject({ code: 0 })
    await expectRekeyed(BUCKET)
  })

  it('takes an error in an answer of status 200 for an error, and goes on when it is over', async () => {
    const { group } = stage()
    await put(BUCKET, large)
    server.lie = async (request) => (isPartCopy(request) ? SLOW_DOWN : undefined)
    const store = withRetry(createS3Store({ endpoint: server.endpoint, credentials: group.project }), {
      policy: { attempts: 2, baseDelay: 0.01 },
    })
    const name = { bucket: BUCKET, objectKey: KEY }
    const change = { identities: [owner], added: [carol.publicKey], removed: [], dropOthers: false }
    const request = rekeyObject(store, { source: name, target: name }, change, {
      force: false,
      versioned: false,
    })
    await expect(request).rejects.toMatchObject({ code: 'STORE_FAILURE' })
    store.close()
    await expectAsBefore(BUCKET, large)
    expect(await unfinished(BUCKET)).toBe(0)

    let left = 2
    server.lie = async (request) => (isPartCopy(request) && left-- > 0 ? SLOW_DOWN : undefined)
    expect(await rekey(BUCKET)).toMatchObject({ code: 0 })
    await expectRekeyed(BUCKET)
  })

  it('seals no byte that it could not authenticate', async () => {
    const { group } = stage()
    for (const object of [large, small]) {
      await put(BUCKET, object)
      server.lie = async (request) => {
        if (!isGet(request)) return undefined
        const { range } = request.headers
        const answer = await group.s3.send(
          new GetObjectCommand({
            Bucket: BUCKET,
            Key: KEY,
            ...(range === undefined ? {} : { Range: range }),
          }),
        )
        const body = Buffer.from(await answer.Body!.transformToByteArray())
        body[100_000]! ^= 1
        const headers = {
          etag: answer.ETag ?? '',
          'last-modified': answer.LastModified?.toUTCString() ?? '',
          'content-type': answer.ContentType ?? '',
          ...(answer.ContentRange === undefined ? {} : { 'content-range': answer.ContentRange }),
        }
        return { status: answer.ContentRange === undefined ? 200 : 206, headers, body }
      }
      expectFailure(await rekey(BUCKET), { code: 13, error: /reads\.bam|segment/ })
      expect(server.lies).toBeGreaterThan(0)
      server.behave()
      await expectAsBefore(BUCKET, object)
      expect(await unfinished(BUCKET)).toBe(0)
    }
  })

  it('is done once when only the answer was lost', async () => {
    const { group } = stage()
    await put(VERSIONED, large)
    const count = async (): Promise<number> => {
      const listing = new ListObjectVersionsCommand({ Bucket: VERSIONED, Prefix: KEY })
      return (await group.s3.send(listing)).Versions?.length ?? 0
    }
    const before = await count()
    let lost = 1
    server.lie = async (request) => {
      if (!isComplete(request) || lost-- <= 0) return undefined
      // The server does it, and the client hears of a failure.
      const upload = { Bucket: VERSIONED, Key: KEY, UploadId: request.query.get('uploadId')! }
      const { Parts = [] } = await group.s3.send(new ListPartsCommand(upload))
      const listed = Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }))
      await group.s3.send(
        new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: listed } }),
      )
      return { status: 500, headers: XML, body: errorOf('InternalError') }
    }
    expect(await rekey(VERSIONED)).toMatchObject({ code: 0 })
    server.behave()
    expect(await count()).toBe(before + 1)
    expect(await unfinished(VERSIONED)).toBe(0)
    await expectRekeyed(VERSIONED)
  })

  it('keeps the tags that the server loses', async ({ skip }) => {
    const { group } = stage()
    const TagSet = [
      { Key: 'study', Value: '12' },
      { Key: 'phase', Value: 'a b' },
    ]
    for (const object of [large, small]) {
      await put(BUCKET, object)
      const tagging = { Bucket: BUCKET, Key: KEY, Tagging: { TagSet } }
      const answer = await group.s3
        .send(new PutObjectTaggingCommand(tagging))
        .catch((error: unknown) => error)
      skip(answer instanceof S3ServiceException, 'the server has no tags')
      expect(await rekey(BUCKET)).toMatchObject({ code: 0, stderr: '' })
      const found = await group.s3.send(new GetObjectTaggingCommand({ Bucket: BUCKET, Key: KEY }))
      const sorted = (found.TagSet ?? []).sort((a, b) => (a.Key! < b.Key! ? 1 : -1))
      expect(sorted).toEqual(TagSet)
    }
  })

  it('ends where the right to write was taken meanwhile, and the object is what it was', async () => {
    const { backend, group, producer } = stage()
    const bucket = backend.bucketAddress(BUCKET)
    const { name, identity } = producer.project
    await group.json(['project', 'add', name, identity])
    await group.json(['access', 'grant', BUCKET, '--project', name, '--role', 'collaborator'])
    await writeFile(join(producer.home, 'owner.sec'), await serializeSecretKey(owner, {}), { mode: 0o600 })
    await writeFile(join(producer.home, 'carol.pub'), serializePublicKey(carol.publicKey))
    // Its own object: on Ceph only an object's ACL lets parts of it be copied.
    const theirs = { Bucket: bucket, Key: KEY, Body: large, ACL: 'bucket-owner-full-control' } as const
    await producer.s3.send(new PutObjectCommand(theirs))
    server.lie = once(isPartCopy, async () => {
      await group.json(['access', 'revoke', BUCKET, '--project', name])
    })
    const words = ['rekey', `s3://${bucket}/${KEY}`, '--identity', 'owner.sec', '--add', 'carol.pub']
    const run = await producer.sealift([...words, '--endpoint-url', server.endpoint])
    expectFailure(run, { code: 11, error: /denied/ })
    server.behave()
    await expectAsBefore(BUCKET, large)
  })
})

const XML = { 'content-type': 'application/xml' }
const SLOW_DOWN: Lie = { status: 200, headers: XML, body: errorOf('SlowDown') }

function errorOf(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message></Error>`
}

function partCopied(etag: string): Lie {
  const time = '2026-11-21T12:00:00.000Z'
  const body = `<?xml version="1.0" encoding="UTF-8"?><CopyPartResult><LastModified>${time}</LastModified><ETag>${etag}</ETag></CopyPartResult>`
  return { status: 200, headers: XML, body }
}
