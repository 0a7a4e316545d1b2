import { basename, join, resolve, sep } from 'node:path'
import { AppError } from '../util/errors.ts'
import { SEALED_SUFFIX } from './upload-sources.ts'

/**
 * The path below `folder` for an object of a prefix. Object keys are arbitrary text, written by whoever may put
 * objects: `../x`, `/etc/x` and the like are legal keys and must not name anything outside the folder.
 *
 * @param decrypted - true when `.c4gh` is taken off
 * @throws AppError UNSAFE_PATH
 */
export function targetPath(folder: string, prefix: string, objectKey: string, decrypted: boolean): string {
  const relative = objectKey.slice(prefix.length)
  const steps = relative.split('/')
  const unsafe = relative.includes('\0') || steps.some((step) => step === '' || step === '.' || step === '..')
  const path = join(folder, ...steps)
  if (unsafe || !resolve(path).startsWith(withSeparator(resolve(folder)))) {
    throw new AppError(
      'UNSAFE_PATH',
      `the object key ${JSON.stringify(objectKey)} is not a path below ${folder}`,
      {
        hints: ['download it alone and name the file it should become'],
      },
    )
  }
  return decrypted ? withoutSuffix(path) : path
}

/**
 * The file for a single object: `destination` itself, or the object's own name in it when it is a folder.
 *
 * @throws AppError UNSAFE_PATH
 */
export function singleTarget(
  destination: string | undefined,
  isFolder: boolean,
  objectKey: string,
  decrypted: boolean,
): string {
  if (destination !== undefined && !isFolder) return destination
  const parent = objectKey.slice(0, objectKey.length - basename(objectKey).length)
  return targetPath(destination ?? '.', parent, objectKey, decrypted)
}

function withoutSuffix(path: string): string {
  const name = basename(path)
  return name.endsWith(SEALED_SUFFIX) && name !== SEALED_SUFFIX ? path.slice(0, -SEALED_SUFFIX.length) : path
}

function withSeparator(folder: string): string {
  return folder.endsWith(sep) ? folder : folder + sep
}
