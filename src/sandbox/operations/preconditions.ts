import type { IncomingHttpHeaders } from 'node:http'
import { S3Error } from '../s3-error.ts'
import type { StoredVersion } from '../state/records.ts'

/**
 * If-Match and If-None-Match of a put or Complete (S3 API, "Conditional writes").
 * Throws PreconditionFailed, NoSuchKey for If-Match on nothing, NotImplemented for If-None-Match with an ETag.
 */
export function checkWriteConditions(headers: IncomingHttpHeaders, current: StoredVersion | undefined): void {
  const unless = headers['if-none-match']
  if (unless !== undefined) {
    if (unless.trim() !== '*') throw new S3Error('NotImplemented', 'If-None-Match of a put has to be *')
    if (current !== undefined) throw preconditionFailed('the object exists')
  }
  const only = headers['if-match']
  if (only === undefined) return
  if (current === undefined) throw new S3Error('NoSuchKey', 'there is no such object')
  if (!matchesEtag(only, current.etag)) throw preconditionFailed('the object has another ETag')
}

/**
 * The four conditions of a get (RFC 9110 §13.2.2). True when the answer is 304 Not Modified.
 * Throws PreconditionFailed.
 */
export function isNotModified(headers: IncomingHttpHeaders, version: StoredVersion): boolean {
  // Dates of HTTP have no fraction of a second.
  const modified = Math.floor(Date.parse(version.lastModified) / 1000) * 1000
  const only = headers['if-match']
  if (only !== undefined) {
    if (!matchesEtag(only, version.etag)) throw preconditionFailed('the object has another ETag')
  } else if (modified > Date.parse(headers['if-unmodified-since'] ?? '')) {
    throw preconditionFailed('the object was modified')
  }
  const unless = headers['if-none-match']
  if (unless !== undefined) return matchesEtag(unless, version.etag)
  return modified <= Date.parse(headers['if-modified-since'] ?? '')
}

/** With or without quotes, one or several. */
function matchesEtag(header: string, etag: string): boolean {
  return header
    .split(',')
    .map((entry) => entry.trim().replace(/^W\//, '').replaceAll('"', ''))
    .some((entry) => entry === '*' || entry === etag)
}

function preconditionFailed(message: string): S3Error {
  return new S3Error('PreconditionFailed', message)
}
