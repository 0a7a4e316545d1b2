import { createHash } from 'node:crypto'
import type { TransferBegun } from './journal-entry.ts'

/** What makes two runs the same transfer. Nothing of how it is done: other part sizes or speeds go on with it. */
export interface TransferRequest extends Pick<
  TransferBegun,
  'direction' | 'endpoint' | 'bucket' | 'objectKey' | 'paths'
> {
  /** Public keys of an upload's recipients, in any one spelling; what becomes of the objects of a download. */
  readers: readonly string[] | 'decrypt' | 'as-is'
}

/** Hex digits of an id: 64 bits, so that no two transfers of a person meet. */
const ID_LENGTH = 16

/** What an id looks like; it is part of a file name. */
export const TRANSFER_ID = new RegExp(`^[0-9a-f]{${ID_LENGTH}}$`)

/**
 * Names a transfer by what it does: the same request has the same id, in whatever order its sources and
 * recipients are named. SHA-256 over canonical JSON.
 */
export function transferId({
  direction,
  endpoint,
  bucket,
  objectKey,
  paths,
  readers,
}: TransferRequest): string {
  const canonical = JSON.stringify([
    1,
    direction,
    endpoint,
    bucket,
    objectKey,
    [...new Set(paths)].sort(),
    typeof readers === 'string' ? readers : [...new Set(readers)].sort(),
  ])
  return createHash('sha256').update(canonical).digest('hex').slice(0, ID_LENGTH)
}
