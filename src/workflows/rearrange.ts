import { rearrangeStream } from '../crypto/crypt4gh/rearrange.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { RequestedRange } from '../util/byte-range.ts'
import { inFile } from './in-file.ts'
import { namesOf, type Recipient, type RecipientName } from './recipients.ts'

export interface RearrangeRequest {
  /** A Crypt4GH file. */
  input: AsyncIterable<Uint8Array>
  /** What the input is called in errors. */
  name: string
  identities: readonly KeyPair[]
  /** Empty for the identities that open the input. */
  recipients: readonly Recipient[]
  /** An own key pair as the sender; an ephemeral one when absent. */
  sender?: KeyPair | undefined
  /** What to keep, in bytes of the plaintext as its reader sees it; the input must reach that far. */
  range: RequestedRange
  /** Takes the bytes of the new file and gives their number. */
  write: (bytes: AsyncIterable<Uint8Array>) => Promise<number>
}

export interface RearrangedFile {
  /** Bytes written. */
  size: number
  range: RequestedRange
  /** As they were named; none when it is for the identities that open the input. */
  recipients: RecipientName[]
  seconds: number
}

/**
 * Writes a range of a file as a file of its own: the segments that hold it under an edit list, no other segment.
 *
 * @throws AppError NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, INVALID_KEY, AUTHENTICATION_FAILED, INVALID_RANGE, and
 * what `write` throws
 */
export async function rearrange(request: RearrangeRequest): Promise<RearrangedFile> {
  const started = performance.now()
  const { input, identities, recipients, range, sender } = request
  const publicKeys = recipients.map(({ publicKey }) => publicKey)
  const bytes = rearrangeStream(input, identities, publicKeys, { ...range, exact: true }, sender)
  const size = await request.write(bytes).catch((error: unknown) => {
    throw inFile(error, request.name)
  })
  return { size, range, recipients: namesOf(recipients), seconds: (performance.now() - started) / 1000 }
}
