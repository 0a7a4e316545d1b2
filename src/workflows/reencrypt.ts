import { readHeader } from '../crypto/crypt4gh/header.ts'
import { openHeader } from '../crypto/crypt4gh/open-header.ts'
import { resealHeader } from '../crypto/crypt4gh/reencrypt.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { inFile } from './in-file.ts'
import { namesOf, requireRecipients, type Recipient, type RecipientName } from './recipients.ts'

export interface ReencryptRequest {
  /** A Crypt4GH file, or a header alone. */
  input: AsyncIterable<Uint8Array>
  /** What the input is called in errors. */
  name: string
  identities: readonly KeyPair[]
  recipients: readonly Recipient[]
  /** An own key pair as the sender; an ephemeral one when absent. */
  sender?: KeyPair | undefined
  /** Keep the header packets that no identity opens. */
  keepOthers: boolean
  /** Write the new header without the body. */
  headerOnly: boolean
  /** Takes the bytes of the new file and gives their number. */
  write: (bytes: AsyncIterable<Uint8Array>) => Promise<number>
}

export interface ReencryptedFile {
  /** Bytes written. */
  size: number
  recipients: RecipientName[]
  /** Header packets that no identity opened, and what became of them. */
  others: { packets: number; kept: boolean }
  /** Whether one of the identities that opened the file is among its new recipients. */
  stillReadable: boolean
  seconds: number
}

/**
 * Writes a file with a new header and the same body, which is copied as it is and not checked beyond its size. Whoever
 * could read the old file can still read the body.
 *
 * @throws AppError NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, USAGE without recipients, INVALID_KEY,
 * AUTHENTICATION_FAILED for a body of impossible size, and what `write` throws
 */
export async function reencrypt(request: ReencryptRequest): Promise<ReencryptedFile> {
  const started = performance.now()
  const recipients = requireRecipients(request.recipients)
  const publicKeys = recipients.map(({ publicKey }) => publicKey)
  const { header, rest, close } = await readHeader(request.input).catch((error: unknown) => {
    throw inFile(error, request.name)
  })
  try {
    const opened = await openHeader(header, request.identities)
    const renewed = await resealHeader(opened, publicKeys, {
      keepUnopened: request.keepOthers,
      sender: request.sender,
    }).finally(() => {
      for (const dataKey of opened.dataKeys) dataKey.fill(0)
    })
    const size = await request.write(withBody(renewed, request.headerOnly ? undefined : rest))
    return {
      size,
      recipients: namesOf(recipients),
      others: { packets: opened.unopened.length, kept: request.keepOthers },
      stillReadable: opened.readers.some((own) =>
        publicKeys.some((publicKey) => Buffer.compare(own, publicKey) === 0),
      ),
      seconds: (performance.now() - started) / 1000,
    }
  } catch (error) {
    throw inFile(error, request.name)
  } finally {
    await close()
  }
}

async function* withBody(
  header: Uint8Array,
  body: AsyncIterable<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield header
  if (body === undefined) return
  let bodySize = 0
  for await (const chunk of body) {
    bodySize += chunk.length
    yield chunk
  }
  // A tail that is no segment shows that the copy, or the file itself, was cut short.
  plaintextBodySize(bodySize)
}
