import { type Answer, type BucketOperation, type BucketRequest, emptyAnswer } from '../request.ts'
import { S3Error } from '../s3-error.ts'
import type { StoredVersion } from '../state/records.ts'
import { parseByteRange } from './byte-range.ts'
import { existingVersion, versionHeader } from './object-version.ts'
import { isNotModified } from './preconditions.ts'

const headerValue = /^[\t\x20-\x7e]*$/

/** GetObject and HeadObject: the same answer, of which HEAD sends no body. */
export const getObject: BucketOperation = (request): Answer => {
  const version = existingVersion(request)
  const headers = answerHeaders(request, version)
  if (isNotModified(request.headers, version)) return emptyAnswer(304, headers)
  const range = parseByteRange(request.headers.range, version.size)
  const { offset, length } = range ?? { offset: 0, length: version.size }
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...headers,
      'content-length': String(length),
      ...(range === undefined
        ? {}
        : { 'content-range': `bytes ${offset}-${offset + length - 1}/${version.size}` }),
    },
    content: { pieces: version.pieces, offset, length },
  }
}

function answerHeaders({ bucket, query }: BucketRequest, version: StoredVersion): Record<string, string> {
  const overrides = [...query].filter(([name]) => name.startsWith('response-'))
  if (overrides.some(([, value]) => !headerValue.test(value))) {
    throw new S3Error('InvalidArgument', 'a response header has a character that is not printable')
  }
  return {
    'accept-ranges': 'bytes',
    ...version.headers,
    ...Object.fromEntries(overrides.map(([name, value]) => [name.slice('response-'.length), value])),
    etag: `"${version.etag}"`,
    'last-modified': new Date(version.lastModified).toUTCString(),
    ...versionHeader(bucket, version.versionId),
  }
}
