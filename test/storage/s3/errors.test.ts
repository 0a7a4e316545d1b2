import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { StorageError } from '../../../src/storage/errors.ts'
import { toStorageError } from '../../../src/storage/s3/errors.ts'
import { createS3Store } from '../../../src/storage/s3/s3-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import type { ErrorCode } from '../../../src/util/errors.ts'
import { s3Error, type ScriptedServer, startScriptedServer } from './scripted-server.ts'

let server: ScriptedServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

/** What the store makes of an answer. */
async function failureOf(
  request: (store: Store) => Promise<unknown>,
  status: number,
  serverCode: string,
  headers: Record<string, string> = {},
): Promise<StorageError> {
  server = await startScriptedServer((_request, response) =>
    response.writeHead(status, headers).end(serverCode === '' ? '' : s3Error(serverCode)),
  )
  const failure = await request(server.store).catch((error: unknown) => error)
  await server.close()
  if (!(failure instanceof StorageError)) throw new TypeError(`no StorageError: ${String(failure)}`)
  return failure
}

const upload = { bucket: 'bucket', objectKey: 'reads.c4gh', uploadId: 'u' }
const part = { partNumber: 1, etag: 'e' }
const get = (store: Store) => store.getObject('bucket', 'reads.c4gh')
const put = (store: Store) => store.putObject('bucket', 'reads.c4gh', new Uint8Array(1))
const sendPart = (store: Store) => store.uploadPart(upload, 7, new Uint8Array(1))
const complete = (store: Store) => store.completeMultipartUpload(upload, [part])

describe('what the store answers, in our words', () => {
  it.each<[string, (store: Store) => Promise<unknown>, number, string, ErrorCode, boolean]>([
    ['a denied request', get, 403, 'AccessDenied', 'ACCESS_DENIED', false],
    ['a denial without a code', put, 403, '', 'ACCESS_DENIED', false],
    ['an unknown access key', get, 403, 'InvalidAccessKeyId', 'INVALID_CREDENTIALS', false],
    ['a wrong secret key', put, 403, 'SignatureDoesNotMatch', 'INVALID_CREDENTIALS', false],
    ['ended credentials', get, 400, 'ExpiredToken', 'INVALID_CREDENTIALS', false],
    ['a wrong clock', get, 403, 'RequestTimeTooSkewed', 'CLOCK_SKEW', false],
    ['a full project', put, 403, 'QuotaExceeded', 'STORE_FAILURE', false],
    ['a missing bucket', get, 404, 'NoSuchBucket', 'BUCKET_NOT_FOUND', false],
    ['a missing object', get, 404, 'NoSuchKey', 'OBJECT_NOT_FOUND', false],
    ['a missing upload', sendPart, 404, 'NoSuchUpload', 'UPLOAD_NOT_FOUND', false],
    ['an upload that is completed already (Ceph)', sendPart, 404, 'NoSuchKey', 'UPLOAD_NOT_FOUND', false],
    ['an object that must be absent', put, 412, 'PreconditionFailed', 'OBJECT_EXISTS', false],
    ['an object that must be absent at the end', complete, 412, 'PreconditionFailed', 'OBJECT_EXISTS', false],
    ['an object that must be the same', get, 412, 'PreconditionFailed', 'OBJECT_CHANGED', false],
    ['a range past the end', get, 416, 'InvalidRange', 'OBJECT_CHANGED', false],
    ['damage by MD5', sendPart, 400, 'BadDigest', 'INTEGRITY', true],
    ['damage by SHA-256', sendPart, 400, 'XAmzContentSHA256Mismatch', 'INTEGRITY', true],
    ['a part that is not there', complete, 400, 'InvalidPart', 'INTEGRITY', false],
    ['a part that is too small', complete, 400, 'EntityTooSmall', 'STORE_FAILURE', false],
    ['a busy store', put, 503, 'SlowDown', 'STORE_FAILURE', true],
    ['a broken store', put, 500, 'InternalError', 'STORE_FAILURE', true],
    ['a gateway without words', put, 502, '', 'STORE_FAILURE', true],
    ['too many requests', put, 429, '', 'STORE_FAILURE', true],
    ['two writers at once', put, 409, 'ConditionalRequestConflict', 'STORE_FAILURE', true],
    ['a slow body', put, 400, 'RequestTimeout', 'STORE_FAILURE', true],
    ['an operation the store does not have', put, 501, 'NotImplemented', 'UNSUPPORTED', false],
    ['a method the store does not have', put, 405, 'MethodNotAllowed', 'UNSUPPORTED', false],
    ['a request the store does not understand', put, 400, 'InvalidArgument', 'STORE_FAILURE', false],
  ])('%s', async (_what, request, status, serverCode, code, retryable) => {
    const failure = await failureOf(request, status, serverCode)
    expect(failure).toMatchObject({ code, retryable, status, bucket: 'bucket', objectKey: 'reads.c4gh' })
    expect(failure.serverCode).toBe(serverCode === '' ? undefined : serverCode)
    expect(failure.message).toMatch(/^[^A-Z]/)
    expect(failure.cause).toBeInstanceOf(Error)
  })

  it.each<[number, string, ErrorCode]>([
    [409, 'BucketAlreadyExists', 'BUCKET_EXISTS'],
    [409, 'BucketAlreadyOwnedByYou', 'BUCKET_EXISTS'],
    [409, 'BucketNotEmpty', 'BUCKET_NOT_EMPTY'],
    [404, 'NoSuchBucket', 'BUCKET_NOT_FOUND'],
    [403, 'AccessDenied', 'ACCESS_DENIED'],
    [400, 'InvalidBucketName', 'INVALID_BUCKET_NAME'],
  ])('a bucket: %s %s', async (status, serverCode, code) => {
    const failure = await failureOf((store) => store.deleteBucket('bucket'), status, serverCode)
    expect(failure).toMatchObject({ code, operation: 'DeleteBucket', bucket: 'bucket', retryable: false })
  })

  it('the wait that a server asks for is known, in seconds', async () => {
    const slow = await failureOf(put, 503, 'SlowDown', { 'retry-after': '7' })
    expect(slow.retryAfter).toBe(7)
    const noWait = await failureOf(put, 503, 'SlowDown', { 'retry-after': 'soon' })
    expect(noWait.retryAfter).toBeUndefined()
  })

  it('the message says what and where, and names the part', async () => {
    const failure = await failureOf(sendPart, 403, 'AccessDenied', { 'x-amz-request-id': 'tx77' })
    expect(failure.message).toBe(
      'access to part 7 of s3://bucket/reads.c4gh denied at UploadPart (403 AccessDenied)',
    )
    expect(failure.requestId).toBe('tx77')
  })
})

describe('no answer at all', () => {
  const credentials = { accessKeyId: 'AK', secretAccessKey: 'SECRET-KEY-OF-THE-TEST' }

  it('nobody listens', async () => {
    const probe = createServer()
    const port = await new Promise<number>((resolve) => {
      probe.listen(0, '127.0.0.1', () => {
        const address = probe.address()
        probe.close(() => {
          resolve(typeof address === 'object' && address !== null ? address.port : 0)
        })
      })
    })
    const store = createS3Store({ endpoint: `http://127.0.0.1:${port}`, credentials })
    const failure: unknown = await store.listBuckets().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'ENDPOINT_UNREACHABLE', retryable: true, operation: 'ListBuckets' })
    expect(JSON.stringify(failure)).not.toContain('SECRET-KEY')
  })

  it('the connection is torn down', async () => {
    server = await startScriptedServer((request) => request.socket.destroy())
    await expect(put(server.store)).rejects.toMatchObject({ code: 'STORE_FAILURE', retryable: true })
  })

  it('the server speaks no TLS', async () => {
    server = await startScriptedServer((_request, response) => response.end())
    const store = createS3Store({ endpoint: server.endpoint.replace('http:', 'https:'), credentials })
    await expect(store.listBuckets()).rejects.toMatchObject({
      code: 'ENDPOINT_UNREACHABLE',
      retryable: false,
    })
  })

  it.each([
    ['ENOTFOUND', 'ENDPOINT_UNREACHABLE', true],
    ['EAI_AGAIN', 'ENDPOINT_UNREACHABLE', true],
    ['ETIMEDOUT', 'ENDPOINT_UNREACHABLE', true],
    ['EPIPE', 'STORE_FAILURE', true],
    ['ECONNRESET', 'STORE_FAILURE', true],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'ENDPOINT_UNREACHABLE', false],
  ] as const)('%s', (networkCode, code, retryable) => {
    const error = Object.assign(new Error('the network'), { code: networkCode })
    expect(toStorageError(error, { operation: 'PutObject', bucket: 'b' })).toMatchObject({ code, retryable })
  })

  it('a bug stays a bug', () => {
    const bug = new TypeError('undefined is not a function')
    expect(toStorageError(bug, { operation: 'PutObject' })).toBe(bug)
  })
})
