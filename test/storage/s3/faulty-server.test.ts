import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { withRetry } from '../../../src/storage/with-retry.ts'
import { collect } from '../../conformance/steps.ts'
import { s3Error, type ScriptedServer, startScriptedServer } from './scripted-server.ts'

let server: ScriptedServer | undefined
const start = async (...args: Parameters<typeof startScriptedServer>) => {
  server = await startScriptedServer(...args)
  return server
}
afterEach(async () => {
  await server?.close()
  server = undefined
})

describe('downloads from a server that does not keep its word', () => {
  it('a body that breaks off is an integrity failure, worth another try', async () => {
    const { store } = await start((_request, response) => {
      response.writeHead(200, { 'content-length': 100, etag: '"e"' })
      response.write('x'.repeat(40), () => response.destroy())
    })
    const answer = await store.getObject('bucket', 'reads.c4gh')
    await expect(collect(answer.body)).rejects.toMatchObject({ code: 'INTEGRITY', retryable: true })
  })

  it('a server that ignores the range is noticed before a byte is used', async () => {
    const { store } = await start((_request, response) => {
      response.writeHead(200, { 'content-length': 100, etag: '"e"' }).end('x'.repeat(100))
    })
    const got = store.getObject('bucket', 'reads.c4gh', { range: { offset: 10, length: 5 } })
    await expect(got).rejects.toMatchObject({ code: 'INTEGRITY' })
  })

  it.each([
    ['other bytes', 'bytes 11-15/100', 5],
    ['fewer bytes', 'bytes 10-13/100', 4],
    ['a length that is not the range', 'bytes 10-14/100', 4],
    ['no sizes', 'bytes 10-14/*', 5],
  ])('a server that answers a range with %s is noticed', async (_what, contentRange, length) => {
    const { store } = await start((_request, response) => {
      const headers = { 'content-length': length, 'content-range': contentRange, etag: '"e"' }
      response.writeHead(206, headers).end('x'.repeat(length))
    })
    const got = store.getObject('bucket', 'reads.c4gh', { range: { offset: 10, length: 5 } })
    await expect(got).rejects.toMatchObject({ code: 'INTEGRITY' })
  })

  it('a server that ignores If-Match does not pass another object for the first one', async () => {
    const { store } = await start((_request, response) => {
      response.writeHead(200, { 'content-length': 1, etag: '"other"' }).end('x')
    })
    const got = store.getObject('bucket', 'reads.c4gh', { ifMatch: 'first' })
    await expect(got).rejects.toMatchObject({ code: 'OBJECT_CHANGED' })
  })

  it('an abort in the middle of a body ends it with the reason', async () => {
    const { store } = await start((_request, response) => {
      response.writeHead(200, { 'content-length': 100, etag: '"e"' }).write('x')
    })
    const abort = new AbortController()
    const reason = new Error('the user left')
    const answer = await store.getObject('bucket', 'reads.c4gh', { signal: abort.signal })
    const reading = (async () => {
      for await (const chunk of answer.body) if (chunk.length > 0) abort.abort(reason)
    })()
    await expect(reading).rejects.toBe(reason)
  })

  it('a server that falls silent is given up, and may be asked again', async () => {
    const { store } = await start(() => undefined, { idleTimeout: 0.2 })
    await expect(store.headObject('bucket', 'x')).rejects.toMatchObject({
      code: 'STORE_FAILURE',
      retryable: true,
    })
  })
})

describe('answers that are something else', () => {
  const loginPage = '<html><body>Please log in</body></html>'

  it('a login page is not taken for an empty bucket', async () => {
    const { store } = await start((_request, response) => response.end(loginPage))
    await expect(collect(store.listObjects('bucket'))).rejects.toMatchObject({ code: 'STORE_FAILURE' })
    await expect(store.hasAnyVersion('bucket')).rejects.toMatchObject({ code: 'STORE_FAILURE' })
    await expect(store.listBuckets()).rejects.toMatchObject({ code: 'STORE_FAILURE' })
    await expect(collect(store.listMultipartUploads('bucket'))).rejects.toMatchObject({
      code: 'STORE_FAILURE',
    })
    await expect(store.bucketAcl('bucket')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(store.createMultipartUpload('bucket', 'x')).rejects.toMatchObject({ code: 'STORE_FAILURE' })
  })

  it('a listing that goes in circles ends as a failure', async () => {
    const { store, requests } = await start((_request, response) =>
      response.end(
        '<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>' +
          '<Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>',
      ),
    )
    await expect(collect(store.listObjects('bucket'))).rejects.toMatchObject({ code: 'STORE_FAILURE' })
    expect(requests).toHaveLength(2)
  })

  it('a listing of empty pages that never ends is given up', async () => {
    let page = 0
    const { store } = await start((_request, response) =>
      response.end(
        `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>${(page += 1)}</NextContinuationToken></ListBucketResult>`,
      ),
    )
    await expect(collect(store.listObjects('bucket'))).rejects.toMatchObject({
      code: 'STORE_FAILURE',
      message: expect.stringContaining('1000 empty pages') as string,
    })
    expect(page).toBe(1001)
  })

  it('names that are said to be encoded and are not are a failure, and not a bug', async () => {
    const { store } = await start((request, response) => {
      const entry = '<Key>100%</Key><Size>1</Size>'
      const start = '<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>'
      response.end(
        (request.url ?? '').includes('versions')
          ? `<ListVersionsResult>${start}<Version>${entry}<VersionId>v</VersionId></Version></ListVersionsResult>`
          : `<ListBucketResult>${start}<Contents>${entry}</Contents></ListBucketResult>`,
      )
    })
    const refused = {
      code: 'STORE_FAILURE',
      message: expect.stringContaining('not encoded properly') as string,
    }
    await expect(collect(store.listObjects('bucket'))).rejects.toMatchObject(refused)
    await expect(collect(store.listVersions('bucket'))).rejects.toMatchObject(refused)
  })

  it('where ?policy is answered with a listing, the bucket survives deleteBucketPolicy', async () => {
    const listing = '<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>'
    const { store, requests } = await start((_request, response) => response.end(listing))
    await expect(store.bucketPolicy('bucket')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(store.deleteBucketPolicy('bucket')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })

  it('versioning that is accepted but not in force is unsupported', async () => {
    const { store } = await start((_request, response) => response.end('<VersioningConfiguration/>'))
    await expect(store.enableVersioning('bucket')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('an error in the body of a completed upload with status 200 is a failure', async () => {
    const { store } = await start((_request, response) => response.end(s3Error('InternalError')))
    const upload = { bucket: 'bucket', objectKey: 'x', uploadId: 'u' }
    const done = store.completeMultipartUpload(upload, [{ partNumber: 1, etag: 'e' }])
    await expect(done).rejects.toMatchObject({ code: 'STORE_FAILURE', retryable: true })
  })
})

describe('answers that look like success', () => {
  const upload = { bucket: 'bucket', objectKey: 'x', uploadId: 'u' }
  const part = new Uint8Array(10)

  it('a part without an ETag did not arrive, as far as one knows, and is sent again', async () => {
    let attempts = 0
    const { store } = await start((_request, response) => {
      attempts += 1
      response.writeHead(200, attempts < 3 ? {} : { etag: '"e"' }).end()
    })
    const sent = withRetry(store, { sleep: async () => undefined }).uploadPart(upload, 1, part)
    expect(await sent).toEqual({ partNumber: 1, etag: 'e' })
    expect(attempts).toBe(3)
  })

  it('a part whose ETag is not its MD5 is sent again, and in the end not believed', async () => {
    const md5 = createHash('md5').update(part).digest('hex')
    let attempts = 0
    const { store } = await start((_request, response) => {
      attempts += 1
      response.writeHead(200, { etag: '"0123456789abcdef0123456789abcdef"' }).end()
    })
    const retrying = withRetry(store, { sleep: async () => undefined })
    const sent = retrying.uploadPart(upload, 1, part, { md5 })
    await expect(sent).rejects.toMatchObject({ code: 'INTEGRITY' })
    expect(attempts).toBe(10)
  })

  it.each(['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody'])(
    'a part that was damaged on the way (%s) is sent again',
    async (code) => {
      let attempts = 0
      const { store } = await start((_request, response) => {
        attempts += 1
        if (attempts < 3) response.writeHead(400).end(s3Error(code))
        else response.writeHead(200, { etag: '"e"' }).end()
      })
      const sent = withRetry(store, { sleep: async () => undefined }).uploadPart(upload, 1, part)
      expect(await sent).toEqual({ partNumber: 1, etag: 'e' })
    },
  )

  it.each([
    ['half an answer', '<?xml version="1.0"?><ListBucketResult><Contents><Key>a'],
    ['binary', Buffer.from([0, 255, 1, 254, 60, 62])],
    ['a JSON document', '{"error":"no"}'],
    ['a billion laughs', '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'],
    ['nothing', ''],
    ['a login page', '<html><body>Please log in</body></html>'],
  ])('%s in place of XML is a failure of the store, never a crash', async (_what, answer) => {
    const { store } = await start((_request, response) => response.end(answer))
    const failures = await Promise.all([
      collect(store.listObjects('bucket')).catch((error: unknown) => error),
      store.createMultipartUpload('bucket', 'x').catch((error: unknown) => error),
      store.completeMultipartUpload(upload, [{ partNumber: 1, etag: 'e' }]).catch((error: unknown) => error),
      collect(store.listParts(upload)).catch((error: unknown) => error),
    ])
    for (const failure of failures) expect(failure).toMatchObject({ code: 'STORE_FAILURE' })
    expect(failures[2]).toMatchObject({ retryable: true })
  })

  it.each(['garbage', '', '<Error>'])(
    'an error status with %j in its body keeps its status',
    async (answer) => {
      const { store } = await start((_request, response) => response.writeHead(503).end(answer))
      await expect(store.uploadPart(upload, 1, part)).rejects.toMatchObject({
        code: 'STORE_FAILURE',
        status: 503,
        retryable: true,
      })
    },
  )
})

describe('what is sent', () => {
  it('a part is signed with the SHA-256 that was given, and waits for no 100 Continue', async () => {
    const { store, requests } = await start((_request, response) =>
      response.writeHead(200, { etag: '"e"' }).end(),
    )
    const body = new Uint8Array(6 * 1024 ** 2)
    const sha256 = createHash('sha256').update(body).digest('hex')
    const upload = { bucket: 'bucket', objectKey: 'reads.c4gh', uploadId: 'u' }
    expect(await store.uploadPart(upload, 3, body, { sha256 })).toEqual({ partNumber: 3, etag: 'e' })
    const [sent] = requests
    expect(sent?.headers).toMatchObject({
      'x-amz-content-sha256': sha256,
      'content-length': String(body.length),
    })
    expect(sent?.headers.authorization).toContain('x-amz-content-sha256')
    expect(sent?.headers).not.toHaveProperty('expect')
    expect(sent?.headers).not.toHaveProperty('x-amz-trailer')
    expect(sent?.headers).not.toHaveProperty('x-amz-checksum-crc32')
  })

  it('the ACL for the owner is a signed header, of objects and of uploads', async () => {
    const { store, requests } = await start((request, response) => {
      const isUpload = request.method === 'POST'
      response.writeHead(200, { etag: '"e"' })
      response.end(isUpload ? '<R><UploadId>u</UploadId></R>' : '')
    })
    const acl = 'bucket-owner-full-control'
    await store.putObject('bucket', 'x', new Uint8Array(1), { acl })
    await store.createMultipartUpload('bucket', 'x', { acl })
    for (const { headers } of requests) {
      expect(headers['x-amz-acl']).toBe(acl)
      expect(headers.authorization).toContain('x-amz-acl')
    }
  })

  it('a bucket of another tenant is addressed with its tenant', async () => {
    const { store, requests } = await start((_request, response) =>
      response.writeHead(200, { etag: '"e"' }).end(),
    )
    await store.putObject('proj222:inbox', 'a b', new Uint8Array(1))
    expect(requests[0]?.url.split('?')[0]).toBe('/proj222%3Ainbox/a%20b')
  })

  it('a request without keys has no signature', async () => {
    const { endpoint, requests } = await start((_request, response) =>
      response.writeHead(200, { 'content-length': 0 }).end(),
    )
    const { createS3Store } = await import('../../../src/storage/s3/s3-store.ts')
    const store = createS3Store({ endpoint, credentials: 'anonymous' })
    await store.headObject('bucket', 'x')
    store.close()
    expect(requests[0]?.headers).not.toHaveProperty('authorization')
  })
})
