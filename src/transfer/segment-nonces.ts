import { ENCRYPTED_SEGMENT_SIZE, MAC_SIZE, NONCE_SIZE } from '../crypto/crypt4gh/format.ts'
import { MARK_SIZE, type NonceRecord } from '../crypto/crypt4gh/nonce-record.ts'
import { AppError } from '../util/errors.ts'
import type { SourceFile } from './source-file.ts'

/**
 * Records the nonces of all segments of a file, without a key: from the nonce of each segment and the MAC before the
 * next one, which are read together; the ciphertext between them is not.
 *
 * @param body - where its segments begin and end in the file
 * @throws AppError FILE_CHANGED; what node:fs throws; the reason of `signal`
 */
export async function recordNonces(
  source: SourceFile,
  body: { start: number; end: number },
  record: NonceRecord,
  signal?: AbortSignal,
): Promise<void> {
  const mark = new Uint8Array(MARK_SIZE)
  // MAC of the segment that ends, nonce of the one that begins.
  const seam = new Uint8Array(MAC_SIZE + NONCE_SIZE)
  for (let number = 0, start = body.start; start < body.end; number += 1) {
    signal?.throwIfAborted()
    const end = Math.min(start + ENCRYPTED_SEGMENT_SIZE, body.end)
    if (number === 0) await readAt(source, mark.subarray(0, NONCE_SIZE), start)
    const room = Math.min(seam.length, MAC_SIZE + body.end - end)
    await readAt(source, seam.subarray(0, room), end - MAC_SIZE)
    mark.set(seam.subarray(0, MARK_SIZE - NONCE_SIZE), NONCE_SIZE)
    record.add(mark, number)
    mark.set(seam.subarray(MAC_SIZE))
    start = end
  }
  await source.refuseIfChanged()
}

async function readAt(source: SourceFile, into: Uint8Array, position: number): Promise<void> {
  const { bytesRead } = await source.file.read(into, 0, into.length, position)
  if (bytesRead === into.length) return
  throw new AppError(
    'FILE_CHANGED',
    `${source.path} ended at byte ${position + bytesRead}, earlier than before`,
  )
}
