import { looksLikeCrypt4gh } from '../crypto/crypt4gh/header.ts'
import type { SourceFile } from '../transfer/source-file.ts'
import { AppError } from '../util/errors.ts'

/**
 * A file that is sealed already would need two openings, the first with a key its readers may not have.
 *
 * @throws AppError ALREADY_ENCRYPTED when the file starts with the Crypt4GH magic number
 */
export async function refuseEncrypted(source: SourceFile): Promise<void> {
  const prefix = new Uint8Array(8)
  const { bytesRead } = await source.file.read(prefix, 0, prefix.length, 0)
  if (!looksLikeCrypt4gh(prefix.subarray(0, bytesRead))) return
  throw new AppError('ALREADY_ENCRYPTED', `${source.path} is a Crypt4GH file already`, {
    hints: ['give --encrypt-again if it shall be encrypted once more'],
  })
}
