import { readSync, writeSync } from 'node:fs'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { AppError } from '../util/errors.ts'
import { inTurn } from './write-turns.ts'

/** Segments handled between two system calls: 1 MiB keeps the working set in the processor's cache. */
const BATCH_SEGMENTS = 16

/** Bytes of a batch, as plaintext and sealed. */
export const PLAIN_BATCH = BATCH_SEGMENTS * SEGMENT_SIZE
export const ENCRYPTED_BATCH = BATCH_SEGMENTS * ENCRYPTED_SEGMENT_SIZE

let buffers: { plain: Uint8Array; encrypted: Uint8Array } | undefined

/** The two buffers of this thread; what they hold is whatever the last task left. */
export function batchBuffers(): { plain: Uint8Array; encrypted: Uint8Array } {
  buffers ??= { plain: new Uint8Array(PLAIN_BATCH), encrypted: new Uint8Array(ENCRYPTED_BATCH) }
  return buffers
}

/** A read may return less than asked for (read(2)); a short segment before the end would be an invalid file. */
export function readFully(fd: number, into: Uint8Array, position: number): void {
  let filled = 0
  while (filled < into.length) {
    const count = readSync(fd, into, filled, into.length - filled, position + filled)
    if (count === 0) {
      throw new AppError(
        'FILE_CHANGED',
        `the source ended at byte ${position + filled}, earlier than planned`,
        {
          hints: ['something shortened the file while it was being read: try again when it is complete'],
        },
      )
    }
    filled += count
  }
}

/** Writes all the bytes, however many calls that takes, when no other thread writes the file. */
export function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  inTurn(fd, () => {
    let written = 0
    while (written < bytes.length) {
      written += writeSync(fd, bytes, written, bytes.length - written, position + written)
    }
  })
}
