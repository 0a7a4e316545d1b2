import { readSync } from 'node:fs'
import { looksLikeCrypt4gh } from '../crypto/crypt4gh/header.ts'
import type { SourceFile } from '../transfer/source-file.ts'
import { AppError } from '../util/errors.ts'

/**
 * A file that is sealed already would need two openings, the first with a key its readers may not have.
 *
 * @throws AppError ALREADY_ENCRYPTED when the file starts with the Crypt4GH magic number
 */
export function refuseEncrypted(source: SourceFile): void {
  const prefix = new Uint8Array(MAGIC_LENGTH)
  const bytesRead = readSync(source.fd, prefix, 0, prefix.length, 0)
  if (looksLikeCrypt4gh(prefix.subarray(0, bytesRead))) throw alreadyEncrypted(source.path)
}

/** The same for a stream: gives it on unless it starts with the magic number, however it is cut. */
export async function* plaintextOnly(
  input: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array | undefined = new Uint8Array()
  for await (const chunk of input) {
    if (held === undefined) {
      yield chunk
      continue
    }
    held = Buffer.concat([held, chunk])
    if (held.length < MAGIC_LENGTH) continue
    if (looksLikeCrypt4gh(held)) throw alreadyEncrypted(name)
    yield held
    held = undefined
  }
  if (held !== undefined && held.length > 0) yield held
}

/** Bytes of the magic number. */
const MAGIC_LENGTH = 8

function alreadyEncrypted(name: string): AppError {
  return new AppError('ALREADY_ENCRYPTED', `${name} is a Crypt4GH file already`, {
    hints: ['give --encrypt-again if it shall be encrypted once more'],
  })
}
