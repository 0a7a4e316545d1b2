import { createHash } from 'node:crypto'
import type { UploadedPart } from './object-store.ts'

/** The ETag of a part, where it is the MD5 of its bytes. */
export const MD5_HEX = /^[0-9a-f]{32}$/

/**
 * The ETag that S3 gives an object of these parts, in their order: the MD5 of the parts' MD5s, then `-` and their count
 * (seen on AWS and Ceph RGW, also for one part). Undefined when a part's ETag is not an MD5 (SSE-KMS).
 */
export function multipartEtag(parts: readonly UploadedPart[]): string | undefined {
  const hash = createHash('md5')
  for (const part of parts) {
    const etag = part.etag.toLowerCase()
    if (!MD5_HEX.test(etag)) return undefined
    hash.update(Buffer.from(etag, 'hex'))
  }
  return `${hash.digest('hex')}-${parts.length}`
}
