import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { NAMED_RECIPIENTS } from '../crypto/keys/named-recipients.ts'
import { parsePublicKeys, type PublicKeyFile } from '../crypto/keys/public-key-file.ts'
import { AppError } from '../util/errors.ts'
import { errnoOf, fileError } from '../util/file-errors.ts'
import { readSmallFile } from '../util/small-file.ts'

/** The keys behind an `@NAME`. */
export interface NamedKeys {
  keys: PublicKeyFile[]
  /** Where they come from, as a phrase. */
  origin: string
}

/** What follows the `@`: a file name, and nothing that leaves the folder. */
const NAME = /^@([A-Za-z0-9][A-Za-z0-9._-]{0,63})$/

/**
 * The keys of a named recipient: those in `NAME.pub` of the user's folder of recipients, or a built-in one. The user's
 * own file counts before the built-in key, so that a service that changes its key needs no new release of ours.
 *
 * @param folder - undefined for the built-in ones alone
 * @throws AppError INVALID_KEY for an unknown name, FILE_UNREADABLE, USAGE
 */
export async function namedKeys(name: string, folder: string | undefined): Promise<NamedKeys> {
  const [, fileName] = NAME.exec(name) ?? []
  const builtIn = NAMED_RECIPIENTS.get(name)
  if (fileName !== undefined && folder !== undefined) {
    const file = join(folder, `${fileName}.pub`)
    if (await exists(file)) {
      const keys = await parsePublicKeys(await readSmallFile(file, 'read the recipient'), file)
      return {
        keys,
        origin: builtIn === undefined ? `from ${file}` : `from ${file}, instead of the built-in key`,
      }
    }
  }
  if (builtIn === undefined) {
    throw new AppError('INVALID_KEY', `no recipient is known as ${name}`, {
      hints: [
        `built in: ${[...NAMED_RECIPIENTS.keys()].join(', ')}`,
        ...(folder === undefined
          ? []
          : [`your own: put a public key file NAME.pub into ${folder}, and write @NAME`]),
      ],
    })
  }
  return { keys: [{ publicKey: builtIn.publicKey, kind: 'crypt4gh' }], origin: builtIn.description }
}

/** A file that is there but can't be reached is an error: the built-in key would be another one. */
async function exists(file: string): Promise<boolean> {
  try {
    await lstat(file)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw fileError(error, 'read the recipient', file)
  }
}
