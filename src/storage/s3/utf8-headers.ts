import type { CopyObjectCommand, CreateMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3'

/**
 * Header values beyond ASCII, such as metadata that another tool stored in UTF-8. Node hands their bytes over as Latin-1,
 * one letter a byte, and the SDK signs the UTF-8 of such letters, which is not what is sent: the store would refuse.
 */
export function decodeHeader(value: string): string {
  const bytes = Buffer.from(value, 'latin1')
  const text = bytes.toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? text : value
}

/** Has a request send its header values in UTF-8, after they were signed so. */
export function sentInUtf8<
  Command extends CopyObjectCommand | CreateMultipartUploadCommand | PutObjectCommand,
>(command: Command): Command {
  const stack = command.middlewareStack as CopyObjectCommand['middlewareStack']
  stack.add(
    (next) => (args) => {
      const headers = headersOf(args.request)
      for (const [name, value] of Object.entries(headers)) {
        headers[name] = Buffer.from(value, 'utf8').toString('latin1')
      }
      return next(args)
    },
    { step: 'finalizeRequest', name: 'sentInUtf8', priority: 'low' },
  )
  return command
}

function headersOf(request: unknown): Record<string, string> {
  if (typeof request === 'object' && request !== null && 'headers' in request) {
    return request.headers as Record<string, string>
  }
  throw new TypeError('not an HTTP request')
}
