import { createHash } from 'node:crypto'
import type { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { failure, type Where } from '../failure.ts'
import type { StreamedBody } from '../object-store.ts'
import type { Wire } from './sent-body.ts'

const SHA256_HEX = /^[0-9a-f]{64}$/

/** Stands in place of a SHA-256 where the body is not covered by the signature (Signature Version 4, header-based). */
const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

/**
 * Signs the request with a SHA-256 that is already known, so that the body is not hashed again on the main thread;
 * the server refuses any other bytes. The SDK takes a preset `x-amz-content-sha256` as it is. Without one it hashes the body.
 */
export function signedWith<Command extends PutObjectCommand | UploadPartCommand>(
  command: Command,
  sha256: string | undefined,
): Command {
  if (sha256 === undefined) return command
  if (sha256 !== UNSIGNED_PAYLOAD && !SHA256_HEX.test(sha256))
    throw new TypeError('a SHA-256 is 64 hex digits')
  const stack: PutObjectCommand['middlewareStack'] =
    command.middlewareStack as PutObjectCommand['middlewareStack']
  stack.add(
    (next) => (args) => {
      headersOf(args.request)['x-amz-content-sha256'] = sha256
      return next(args)
    },
    { step: 'build', name: 'signedSha256' },
  )
  return command
}

/**
 * What is signed for a body: the SHA-256 that is known, the one the SDK computes (undefined), one computed here because
 * the SDK signs no stream, or none for a body that passes only once.
 *
 * @throws StorageError UNSUPPORTED where somebody on the way could change a body without a signature
 */
export function signedSha256(
  where: Where,
  { pace, protectsBodies }: Wire,
  body: Uint8Array | StreamedBody,
  sha256: string | undefined,
): string | undefined {
  if (sha256 !== undefined) return sha256
  if (body instanceof Uint8Array) {
    return pace === undefined ? undefined : createHash('sha256').update(body).digest('hex')
  }
  if (protectsBodies) return UNSIGNED_PAYLOAD
  throw failure('UNSUPPORTED', where, 'parts this large need https')
}

function headersOf(request: unknown): Record<string, string> {
  if (typeof request === 'object' && request !== null && 'headers' in request) {
    return request.headers as Record<string, string>
  }
  throw new TypeError('not an HTTP request')
}
