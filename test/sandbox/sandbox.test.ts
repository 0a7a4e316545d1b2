import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketAclCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { awsProfiles, practiceProjects } from '../../src/sandbox/practice-projects.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { client, outcome, type Practice, startPractice } from './practice.ts'

const Bucket = 'kept'
let directory: string

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'sealift-sandbox-test-')), 'state')
})
afterEach(async () => {
  await rm(join(directory, '..'), { recursive: true, force: true })
})

const read = async (practice: Practice, Key: string, VersionId?: string): Promise<string> => {
  const { Body } = await practice.group.send(new GetObjectCommand({ Bucket, Key, VersionId }))
  return Body!.transformToString()
}

describe('a sandbox that is started again', () => {
  it('has its buckets, versions, policies, ACLs and unfinished uploads as before', async () => {
    const projects = practiceProjects()
    const before = await startPractice({ directory, projects })
    const { group } = before
    await group.send(new CreateBucketCommand({ Bucket, ACL: 'public-read' }))
    await group.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    )
    const Policy = '{ "Version": "2012-10-17", "Statement": [] }'
    await group.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    const { VersionId } = await group.send(new PutObjectCommand({ Bucket, Key: '../x', Body: 'old' }))
    await group.send(new PutObjectCommand({ Bucket, Key: '../x', Body: 'new' }))
    const target = {
      Bucket,
      Key: 'big',
      UploadId: (await group.send(new CreateMultipartUploadCommand({ Bucket, Key: 'big' }))).UploadId,
    }
    const { ETag } = await group.send(new UploadPartCommand({ ...target, PartNumber: 1, Body: 'part' }))
    await before.close()

    const after = await startPractice({ directory, projects })
    expect(await read(after, '../x')).toBe('new')
    expect(await read(after, '../x', VersionId)).toBe('old')
    expect((await after.group.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy)
    expect((await after.group.send(new GetBucketAclCommand({ Bucket }))).Grants).toHaveLength(2)
    expect((await after.group.send(new ListPartsCommand(target))).Parts).toMatchObject([
      { PartNumber: 1, ETag },
    ])
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await after.group.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload }))
    expect(await read(after, 'big')).toBe('part')
    await after.close()
  })

  it('has cleaned away what an interrupted one left', async () => {
    const projects = practiceProjects()
    const before = await startPractice({ directory, projects })
    await before.group.send(new CreateBucketCommand({ Bucket }))
    await before.group.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' }))
    await before.close()
    await writeFile(join(directory, 'content', 'half-written'), 'x')
    const [bucket] = await readdir(join(directory, 'buckets'))
    await writeFile(join(directory, 'buckets', bucket!, 'objects', 'torn.json.new'), '{')
    await mkdir(join(directory, 'buckets', 'half-deleted', 'uploads'), { recursive: true })

    const after = await startPractice({ directory, projects })
    expect(await readdir(join(directory, 'content'))).toHaveLength(1)
    expect(await read(after, 'x')).toBe('x')
    await after.close()
  })

  it('refuses a folder that is something else, and leaves it alone', async () => {
    await mkdir(join(directory, 'content'), { recursive: true })
    await writeFile(join(directory, 'content', 'thesis.txt'), 'years of work')
    const start = startSandbox({ directory, projects: practiceProjects() })
    await expect(start).rejects.toMatchObject({ code: 'USAGE' })
    expect(await readdir(join(directory, 'content'))).toEqual(['thesis.txt'])
  })

  it('says so when the port is taken', async () => {
    const first = await startPractice({ directory })
    const second = startSandbox({ directory, projects: [], port: Number(new URL(first.endpoint).port) })
    await expect(second).rejects.toMatchObject({ code: 'USAGE' })
    await first.close()
  })
})

describe('object keys', () => {
  it.each(['../x', '../../../../etc/x', '/absolute', 'a/../../b', '.', '..', 'C:\\x', 'con', '~/x'])(
    '%s is a key like any other and touches no file outside',
    async (Key) => {
      const practice = await startPractice({ directory })
      await practice.group.send(new CreateBucketCommand({ Bucket }))
      await practice.group.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
      expect(await read(practice, Key)).toBe(Key)
      const { Contents } = await practice.group.send(new ListObjectsV2Command({ Bucket }))
      expect(Contents?.map((each) => each.Key)).toEqual([Key])
      const files = await readdir(directory, { recursive: true })
      expect(
        files.filter((file) => !/^(content|buckets)(\/[\w./-]*)?$|^sealift-sandbox\.json$/.test(file)),
      ).toEqual([])
      expect(await readdir(join(directory, '..'))).toEqual(['state'])
      await practice.group.send(new DeleteObjectCommand({ Bucket, Key }))
      expect(await readdir(join(directory, 'content'))).toEqual([])
      await practice.close()
    },
  )
})

describe('large objects', () => {
  it('are streamed: 300 MiB up and down do not stay in memory', async () => {
    const practice = await startPractice({ directory })
    await practice.group.send(new CreateBucketCommand({ Bucket }))
    const [size, block] = [300 * 1024 * 1024, Buffer.alloc(1024 * 1024, 'x')]
    const before = process.memoryUsage().rss
    let peak = before
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss)
    }, 10)
    const body = Readable.from(
      (function* () {
        for (let sent = 0; sent < size; sent += block.length) yield block
      })(),
      { objectMode: false },
    )
    await practice.group.send(new PutObjectCommand({ Bucket, Key: 'large', Body: body, ContentLength: size }))
    const { Body } = await practice.group.send(new GetObjectCommand({ Bucket, Key: 'large' }))
    let received = 0
    for await (const bytes of Body as AsyncIterable<Uint8Array>) received += bytes.length
    clearInterval(watch)
    expect(received).toBe(size)
    // Client and server share this process.
    expect(peak - before).toBeLessThan(160 * 1024 * 1024)
    await practice.close()
  })

  it('that are overwritten while somebody reads them are read to their end', async () => {
    const practice = await startPractice({ directory })
    await practice.group.send(new CreateBucketCommand({ Bucket }))
    const body = Buffer.alloc(20_000_000, 'a')
    await practice.group.send(new PutObjectCommand({ Bucket, Key: 'large', Body: body }))
    const { Body } = await practice.group.send(new GetObjectCommand({ Bucket, Key: 'large' }))
    await practice.group.send(new PutObjectCommand({ Bucket, Key: 'large', Body: 'new' }))
    expect(Buffer.compare(await Body!.transformToByteArray(), body)).toBe(0)
    expect(await read(practice, 'large')).toBe('new')
    for (let tries = 0; tries < 100 && (await readdir(join(directory, 'content'))).length > 1; tries++)
      await delay(10)
    expect(await readdir(join(directory, 'content'))).toHaveLength(1)
    await practice.close()
  })

  it('whose upload breaks off leave nothing behind', async () => {
    const practice = await startPractice({ directory })
    await practice.group.send(new CreateBucketCommand({ Bucket }))
    const url = await getSignedUrl(practice.group, new PutObjectCommand({ Bucket, Key: 'torn' }))
    const sending = request(url, { method: 'PUT', headers: { 'content-length': 1_000_000 } })
    sending.on('error', () => undefined)
    sending.write(Buffer.alloc(200_000))
    while ((await readdir(join(directory, 'content'))).length === 0) await delay(5)
    sending.destroy()
    for (let tries = 0; tries < 200 && (await readdir(join(directory, 'content'))).length > 0; tries++)
      await delay(10)
    expect(await readdir(join(directory, 'content'))).toEqual([])
    expect(await outcome(practice.group.send(new GetObjectCommand({ Bucket, Key: 'torn' })))).toBe(
      '404 NoSuchKey',
    )
    await practice.close()
  })
})

describe('a client that waits for 100-continue', () => {
  it('is asked for the body only when it may send it', async () => {
    const practice = await startPractice({ directory })
    await practice.group.send(new CreateBucketCommand({ Bucket }))
    const send = async (
      who: Practice['group'],
    ): Promise<{ continued: boolean; status: number | undefined }> => {
      const url = await getSignedUrl(who, new PutObjectCommand({ Bucket, Key: 'waited' }))
      const asking = request(url, { method: 'PUT', headers: { 'content-length': 5, expect: '100-continue' } })
      let continued = false
      asking.on('continue', () => {
        continued = true
        asking.end('hello')
      })
      asking.flushHeaders()
      const [response] = (await once(asking, 'response')) as [{ statusCode?: number; resume(): void }]
      response.resume()
      asking.destroy()
      return { continued, status: response.statusCode }
    }
    expect(await send(practice.group)).toEqual({ continued: true, status: 200 })
    expect(await read(practice, 'waited')).toBe('hello')
    expect(await send(practice.outsider)).toEqual({ continued: false, status: 403 })
    await practice.close()
  })

  it('as the AWS SDK does with large bodies, gets its answer either way', async () => {
    const practice = await startPractice({ directory })
    await practice.group.send(new CreateBucketCommand({ Bucket }))
    const put = (who: Practice['group']) =>
      outcome(who.send(new PutObjectCommand({ Bucket, Key: 'x', Body: Buffer.alloc(8_000_000) })))
    expect(await put(practice.group)).toBe('200')
    expect(await put(practice.outsider)).toBe('403 AccessDenied')
    expect(await put(practice.group)).toBe('200')
    await practice.close()
  })
})

describe('hooks and faults', () => {
  it('a hook sees who asks for what before it happens, and can hold it there', async () => {
    const seen: unknown[] = []
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const practice = await startPractice({
      directory,
      beforeRequest: async ({ operation, project, method, path }) => {
        if (operation !== 'PutObject') return
        seen.push({ operation, project, method, path })
        await held
      },
      onRequest: ({ operation, status }) => seen.push([operation, status]),
    })
    await practice.group.send(new CreateBucketCommand({ Bucket }))
    const put = outcome(practice.outsider.send(new PutObjectCommand({ Bucket, Key: 'a b', Body: 'x' })))
    while (seen.length < 2) await delay(5)
    expect(seen).toEqual([
      ['CreateBucket', 200],
      { operation: 'PutObject', project: 'project_2000333', method: 'PUT', path: '/kept/a b' },
    ])
    release()
    expect(await put).toBe('403 AccessDenied')
    await practice.close()
    expect(seen.at(-1)).toEqual(['PutObject', 403])
  })

  it('each fault shows as it would on a real network, and the attempts are counted', async () => {
    const asked: number[] = []
    const practice = await startPractice({
      directory,
      faults: ({ operation, objectKey, attempt }) => {
        if (operation === 'PutObject' && objectKey === 'slow') {
          asked.push(attempt)
          return attempt < 3 ? { kind: 'status', status: 503, code: 'SlowDown', retryAfter: 7 } : undefined
        }
        if (operation === 'PutObject' && objectKey === 'lost') return { kind: 'truncate', bytes: 3 }
        if (operation === 'PutObject' && objectKey === 'etag') return { kind: 'wrong-etag' }
        if (operation === 'GetObject' && objectKey === 'cut') return { kind: 'truncate', bytes: 3 }
        if (operation === 'GetObject' && objectKey === 'reset') return { kind: 'reset' }
        if (operation === 'GetObject' && objectKey === 'late') return { kind: 'stall', ms: 30 }
        return undefined
      },
    })
    const put = (Key: string) =>
      practice.group.send(new PutObjectCommand({ Bucket, Key, Body: '0123456789' }))
    await practice.group.send(new CreateBucketCommand({ Bucket }))
    await expect(put('slow')).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } })
    await expect(put('slow')).rejects.toMatchObject({ $response: { headers: { 'retry-after': '7' } } })
    await put('slow')
    expect(asked).toEqual([1, 2, 3])
    await put('lost')
    expect(await read(practice, 'lost')).toBe('012')
    expect((await put('etag')).ETag).toBe(`"${'0'.repeat(32)}"`)
    for (const Key of ['cut', 'reset', 'late']) await put(Key)
    await expect(read(practice, 'cut')).rejects.toThrow(/aborted/)
    await expect(read(practice, 'reset')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await read(practice, 'late')).toBe('0123456789')
    await practice.close()
  })
})

describe('the practice projects', () => {
  it('have fresh secrets, and profiles that work as they are pasted', async () => {
    const [one, other] = [practiceProjects(), practiceProjects()]
    expect(one.map(({ uid }) => uid).sort()).toEqual([
      'project_2000111',
      'project_2000222',
      'project_2000333',
    ])
    expect(one[0]!.secretAccessKey).not.toBe(other[0]!.secretAccessKey)
    const practice = await startPractice({ directory, projects: one })
    const text = awsProfiles(practice.endpoint, one)
    expect([...text.matchAll(/^\[(.*)\]$/gm)].map((match) => match[1])).toEqual([
      'group',
      'producer',
      'outsider',
    ])
    const value = (name: string): string => new RegExp(`^${name} = (.*)$`, 'm').exec(text)![1]!
    const pasted = client(value('endpoint_url'), {
      accessKeyId: value('aws_access_key_id'),
      secretAccessKey: value('aws_secret_access_key'),
    })
    expect(await outcome(pasted.send(new CreateBucketCommand({ Bucket })))).toBe('200')
    pasted.destroy()
    await practice.close()
  })
})
