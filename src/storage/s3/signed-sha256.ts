import type { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'

const SHA256_HEX = /^[0-9a-f]{64}$/

/**
 * Signs the request with a SHA-256 that is already known, so that the body is not hashed again on the main thread;
 * the server refuses any other bytes. The SDK takes a preset `x-amz-content-sha256` as it is. Without one it hashes the body.
 */
export function signedWith(command: PutObjectCommand | UploadPartCommand, sha256: string | undefined): void {
  if (sha256 === undefined) return
  if (!SHA256_HEX.test(sha256)) throw new TypeError('a SHA-256 is 64 hex digits')
  const stack: PutObjectCommand['middlewareStack'] =
    command.middlewareStack as PutObjectCommand['middlewareStack']
  stack.add(
    (next) => (args) => {
      headersOf(args.request)['x-amz-content-sha256'] = sha256
      return next(args)
    },
    { step: 'build', name: 'signedSha256' },
  )
}

function headersOf(request: unknown): Record<string, string> {
  if (typeof request === 'object' && request !== null && 'headers' in request) {
    return request.headers as Record<string, string>
  }
  throw new TypeError('not an HTTP request')
}
