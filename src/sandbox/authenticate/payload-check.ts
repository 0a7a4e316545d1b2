import type { IncomingHttpHeaders } from 'node:http'
import { S3Error } from '../s3-error.ts'
import type { CredentialScope } from './sigv4.ts'

/** What has to be true of the body before anything is stored. */
export type PayloadCheck =
  | { readonly kind: 'plain'; readonly sha256: string | undefined }
  | { readonly kind: 'aws-chunked'; readonly trailer: boolean; readonly chain: SignatureChain | undefined }

/** From where the signatures of the single chunks go on (S3 API, "Transferring payload in multiple chunks"). */
export interface SignatureChain {
  readonly key: Buffer
  readonly scope: CredentialScope
  readonly date: string
  readonly seed: string
}

/**
 * Reads the payload hash of a request, or the word in its place.
 * Throws NotImplemented for a kind of streaming the sandbox can't verify.
 */
export function parsePayloadCheck(
  headers: IncomingHttpHeaders,
  word: string,
  chain?: SignatureChain,
): PayloadCheck {
  switch (word) {
    case 'UNSIGNED-PAYLOAD':
      if (
        headers['content-encoding']?.split(',').some((coding) => coding.trim() === 'aws-chunked') === true
      ) {
        throw new S3Error(
          'InvalidRequest',
          'an aws-chunked body has to name its kind in x-amz-content-sha256',
        )
      }
      return { kind: 'plain', sha256: undefined }
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { kind: 'aws-chunked', trailer: true, chain: undefined }
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      if (chain === undefined) throw new S3Error('InvalidRequest', 'signed chunks need a signed request')
      return { kind: 'aws-chunked', trailer: word.endsWith('-TRAILER'), chain }
    default:
      if (/^[0-9a-f]{64}$/.test(word)) return { kind: 'plain', sha256: word }
      throw new S3Error(
        'NotImplemented',
        `the sandbox does not verify payloads of the kind ${word.slice(0, 64)}`,
      )
  }
}
