import { failure, type Where } from './failure.ts'
import type { PartOptions } from './object-store.ts'

/**
 * Compares the ETag that a store answered for a part with the part's MD5, where that is known.
 *
 * @throws StorageError INTEGRITY, retryable: sent again, the part replaces what arrived
 */
export function checkPartEtag(where: Where, etag: string, md5: PartOptions['md5']): void {
  const expected = typeof md5 === 'function' ? md5() : md5
  if (expected === undefined || etag.toLowerCase() === expected.toLowerCase()) return
  throw failure('INTEGRITY', where, `its ETag is ${etag}, its MD5 ${expected}`, { retryable: true })
}
