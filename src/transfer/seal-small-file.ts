import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { looksLikeCrypt4gh } from '../crypto/crypt4gh/header.ts'
import type { HeaderSealer } from '../crypto/crypt4gh/header-sealer.ts'
import { newDataKey } from '../crypto/crypt4gh/segment.ts'
import { AppError } from '../util/errors.ts'
import { errnoOf } from '../util/file-errors.ts'
import type { FileIdentity } from './journal/journal-entry.ts'
import { sealToMemory, type WantedDigests } from './seal-task.ts'
import { identityOf, isSameFile } from './source-file.ts'
import type { PlaintextDigests } from './task-result.ts'

/** How the small files of a run are sealed. */
export interface SmallFileSealing {
  /** Knows the sender and the recipients. */
  headers: HeaderSealer
  digests: WantedDigests
  /** Whether a file that is sealed already is sealed once more. */
  encryptAgain: boolean
}

/** A file that becomes an object of one part. */
export interface SmallFile {
  path: string
  /** What it was when it was listed. */
  identity: FileIdentity
  /** Where the object goes: it has room for it. */
  slot: SharedArrayBuffer
}

/** An object that was sealed into its slot. */
export interface SealedSmallFile {
  /** Bytes of the object. */
  length: number
  /** SHA-256 and MD5 of the object, hex. */
  sha256: string
  md5: string
  plaintext: PlaintextDigests
}

/** Bytes of the magic number. */
const MAGIC_LENGTH = 8

/** Does not wait for a writer, should a pipe have taken the file's place. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * Reads a file and seals it into its slot with a header of its own, all in one go; the data key lives no longer than this.
 * Nothing is explained here: what is in the way shows itself when the file is taken the ordinary way.
 *
 * @returns undefined when the file can't be read, is not the one that was listed or changed while it was being read, is a
 * Crypt4GH file already, or does not fit into the slot
 * @throws what is not to do with the file: a bug
 */
export function sealSmallFile(
  file: SmallFile,
  { headers, digests, encryptAgain }: SmallFileSealing,
): SealedSmallFile | undefined {
  const dataKey = newDataKey()
  try {
    const header = headers.seal({ dataKeys: [dataKey] })
    return sealUnder(header, dataKey, file, digests, encryptAgain)
  } catch (error) {
    if (error instanceof AppError || error instanceof RangeError || errnoOf(error) !== undefined)
      return undefined
    throw error
  } finally {
    dataKey.fill(0)
  }
}

/** The file must be the listed one before it is read and after. */
function sealUnder(
  header: Uint8Array,
  dataKey: Uint8Array,
  file: SmallFile,
  digests: WantedDigests,
  encryptAgain: boolean,
): SealedSmallFile | undefined {
  const fd = openSync(file.path, READ)
  try {
    const isListed = (): boolean => {
      const stats = fstatSync(fd, { bigint: true })
      return stats.isFile() && isSameFile(identityOf(stats), file.identity)
    }
    if (!isListed() || (!encryptAgain && startsSealed(fd))) return undefined
    const sealed = sealInto(file, fd, header, dataKey, digests)
    return isListed() ? sealed : undefined
  } finally {
    closeSync(fd)
  }
}

function startsSealed(fd: number): boolean {
  const prefix = new Uint8Array(MAGIC_LENGTH)
  return looksLikeCrypt4gh(prefix.subarray(0, readSync(fd, prefix, 0, prefix.length, 0)))
}

function sealInto(
  { identity, slot }: SmallFile,
  fd: number,
  header: Uint8Array,
  dataKey: Uint8Array,
  digests: WantedDigests,
): SealedSmallFile | undefined {
  new Uint8Array(slot).set(header)
  const { length, sha256, plaintext } = sealToMemory({
    kind: 'seal-to-memory',
    dataKey,
    fd,
    plaintextOffset: 0,
    plaintextLength: identity.size,
    slot,
    slotOffset: header.length,
    digests,
  })
  if (sha256 === undefined || plaintext === undefined) return undefined
  const md5 = createHash('md5')
    .update(new Uint8Array(slot, 0, length))
    .digest('hex')
  return { length, sha256, md5, plaintext }
}
