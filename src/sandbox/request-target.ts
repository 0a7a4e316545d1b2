import { S3Error } from './s3-error.ts'

/** Longest object key in bytes of UTF-8 (S3 API, "Object key naming"). */
const maxObjectKeyBytes = 1024

/** What the request line names. Nothing of it is a file name: object keys such as `../x` are legal. */
export interface RequestTarget {
  /** The decoded path. */
  readonly path: string
  /** `name` or `tenant:name`, as addressed; empty for the service. */
  readonly bucketName: string
  /** Empty for the bucket itself. */
  readonly objectKey: string
  /** Decoded parameters; none is given twice. */
  readonly query: ReadonlyMap<string, string>
}

/**
 * Parses the raw request target, path style. `new URL` can't be used: it would resolve the `..` of an object key.
 * Throws InvalidRequest for broken escapes and InvalidObjectName for a key that is too long.
 */
export function parseRequestTarget(rawTarget: string): RequestTarget {
  const mark = rawTarget.indexOf('?')
  const path = decode(mark === -1 ? rawTarget : rawTarget.slice(0, mark))
  if (!path.startsWith('/')) throw new S3Error('InvalidRequest', 'the request target is not a path')
  const slash = path.indexOf('/', 1)
  const bucketName = slash === -1 ? path.slice(1) : path.slice(1, slash)
  const objectKey = slash === -1 ? '' : path.slice(slash + 1)
  if (Buffer.byteLength(objectKey) > maxObjectKeyBytes || objectKey.includes('\0')) {
    throw new S3Error('InvalidObjectName', `an object key has at most ${maxObjectKeyBytes} bytes and no NUL`)
  }
  return { path, bucketName, objectKey, query: parseQuery(mark === -1 ? '' : rawTarget.slice(mark + 1)) }
}

function parseQuery(text: string): Map<string, string> {
  const query = new Map<string, string>()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode((equals === -1 ? pair : pair.slice(0, equals)).replaceAll('+', ' '))
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1).replaceAll('+', ' '))
    // A repeated name could be signed with one value and used with another.
    if (query.has(name)) throw new S3Error('InvalidRequest', 'a query parameter is given twice')
    query.set(name, value)
  }
  return query
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error('InvalidRequest', 'the request target has a broken escape')
  }
}
