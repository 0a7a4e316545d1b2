import type { IncomingMessage, ServerResponse } from 'node:http'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { serializeCopySource } from '../../../src/storage/s3/copies.ts'
import { decodeHeader } from '../../../src/storage/s3/utf8-headers.ts'
import { collect, expectCode } from '../../conformance/steps.ts'
import { s3Error, startScriptedServer, type ScriptedServer } from './scripted-server.ts'

let server: ScriptedServer | undefined
afterEach(() => server?.close())

const start = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
  server = await startScriptedServer(answer)
  return server
}
const itself = { bucket: 'bucket', objectKey: 'k' }
const upload = { ...itself, uploadId: 'u' }
const headers = { metadata: {} }

describe('an answer of status 200', () => {
  it.each([
    ['an error', s3Error('InternalError')],
    ['an error and a line end', `${s3Error('SlowDown')}\n`],
    ['blanks, to keep the connection open, and an error', `   \n  ${s3Error('InternalError')}`],
    ['nothing', ''],
    ['another document', '<ListBucketResult/>'],
    ['half a document', '<CopyObjectResult><ETag>abc</ET'],
  ])('that has %s is a failure, and worth another attempt', async (_what, body) => {
    const { store } = await start((_request, response) => response.end(body))
    const failed = { code: 'STORE_FAILURE', retryable: true }
    await expect(store.copyObject(itself, itself, { headers })).rejects.toMatchObject(failed)
    await expect(store.copyPart(upload, 1, itself)).rejects.toMatchObject(failed)
  })

  it('is a copy with an ETag in quotes, without them, or (whole objects) without any', async () => {
    let etag = '<ETag>&quot;abc&quot;</ETag>'
    const { store } = await start((request, response) => {
      const name = request.url?.includes('uploadId') === true ? 'CopyPartResult' : 'CopyObjectResult'
      response.end(`<${name}>${etag}</${name}>`)
    })
    for (const spelled of [etag, '<ETag>abc</ETag>']) {
      etag = spelled
      expect(await store.copyObject(itself, itself, { headers })).toMatchObject({ etag: 'abc' })
      expect(await store.copyPart(upload, 2, itself)).toEqual({ partNumber: 2, etag: 'abc' })
    }
    etag = '<ETag></ETag><LastModified>2026-11-21T13:46:57.116Z</LastModified>'
    expect(await store.copyObject(itself, itself, { headers })).toMatchObject({ etag: undefined })
    await expectCode(store.copyPart(upload, 2, itself), 'STORE_FAILURE')
  })

  it('is no tag set when it is the object, and tags are not written over it then', async () => {
    const { store, requests } = await start((_request, response) => response.end('the object'))
    await expectCode(store.objectTags('bucket', 'k'), 'UNSUPPORTED')
    await expectCode(store.putObjectTags('bucket', 'k', { a: 'b' }), 'UNSUPPORTED')
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })
})

describe('the source of a copy', () => {
  it('is a header that decodes to tenant, bucket, key and version', () => {
    const text = fc.string({ minLength: 1, unit: 'grapheme' })
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), (objectKey, versionId) => {
        const source = serializeCopySource({ bucket: 'tenant:bucket', objectKey, versionId })
        expect(source).toMatch(/^[!-~]+$/)
        const [path = '', version] = source.split('?versionId=')
        expect(decodeURIComponent(path)).toBe(`tenant:bucket/${objectKey}`)
        expect(version === undefined ? undefined : decodeURIComponent(version)).toBe(versionId)
      }),
    )
  })

  it('is sent with its range', async () => {
    const { store, requests } = await start((_request, response) =>
      response.end('<CopyPartResult><ETag>abc</ETag></CopyPartResult>'),
    )
    const source = { bucket: 'tenant:bucket', objectKey: 'a b/ä+', versionId: 'v+1' }
    await store.copyPart(upload, 7, { ...source, range: { offset: 5, length: 10 } })
    expect(requests[0]?.headers).toMatchObject({
      'x-amz-copy-source': 'tenant%3Abucket/a%20b/%C3%A4%2B?versionId=v%2B1',
      'x-amz-copy-source-range': 'bytes=5-14',
    })
    await expect(store.copyPart(upload, 7, { ...source, range: { offset: 5, length: 0 } })).rejects.toThrow(
      RangeError,
    )
  })
})

describe('versions', () => {
  const page = (entries: string, rest: string) =>
    `<ListVersionsResult><EncodingType>url</EncodingType>${entries}${rest}</ListVersionsResult>`
  const version = (key: string, id: string) =>
    `<Version><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>true</IsLatest><Size>1</Size></Version>`
  const end = '<IsTruncated>false</IsTruncated>'

  it.each([
    ['as it is (Ceph RGW 16.2)', 'a+%2B b'],
    ['encoded as the keys are (AWS)', 'a%2B%252B%20b'],
  ])('the next page begins where the last one ended, whether that is written %s', async (_how, marker) => {
    const next = `<IsTruncated>true</IsTruncated><NextKeyMarker>${marker}</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>`
    const { store, requests } = await start((request, response) => {
      const first = !(request.url ?? '').includes('key-marker')
      response.end(first ? page(version('a%2B%252B%20b', 'v1'), next) : page(version('b', 'v2'), end))
    })
    const listed = await collect(store.listVersions('bucket'))
    expect(listed.map(({ objectKey }) => objectKey)).toEqual(['a+%2B b', 'b'])
    const query = new URL(requests[1]?.url ?? '', server?.endpoint).searchParams
    expect([query.get('key-marker'), query.get('version-id-marker')]).toEqual(['a+%2B b', 'v1'])
  })

  it('without an id, or a size, are no listing; nor is the bare listing of objects', async () => {
    let body = page(version('a', ''), end)
    const { store } = await start((request, response) => {
      response.end(
        (request.url ?? '').includes('list-type')
          ? `<ListBucketResult><Contents><Key>a</Key><Size>1</Size></Contents>${end}</ListBucketResult>`
          : body,
      )
    })
    await expectCode(collect(store.listVersions('bucket')), 'STORE_FAILURE')
    body = page('<Version><Key>a</Key><VersionId>v</VersionId></Version>', end)
    await expectCode(collect(store.listVersions('bucket')), 'STORE_FAILURE')
    body = `<ListBucketResult><Contents><Key>a</Key><Size>1</Size></Contents>${end}</ListBucketResult>`
    await expectCode(collect(store.listVersions('bucket')), 'UNSUPPORTED')
  })

  it('are deleted by their id, and never without one', async () => {
    const { store, requests } = await start((_request, response) => response.writeHead(204).end())
    await expect(store.deleteVersion('bucket', 'k', '')).rejects.toThrow(RangeError)
    expect(requests).toEqual([])
    await store.deleteVersion('bucket', 'k', 'null')
    expect(requests[0]?.url).toMatch(/versionId=null/)
  })
})

it('header values are read as UTF-8 where they are, else as they came', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(decodeHeader(Buffer.from(text, 'utf8').toString('latin1'))).toBe(text)
    }),
  )
  const latin = Buffer.from([0x6e, 0xe4]).toString('latin1')
  expect(decodeHeader(latin)).toBe(latin)
})
