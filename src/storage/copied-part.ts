import type { ObjectSource } from './copy-store.ts'
import { failure, type Where } from './failure.ts'

/**
 * Ceph RGW 16.2.15 decodes the source of an UploadPartCopy twice (not that of a CopyObject): `a%2Bb` copies the object
 * `a+b` with status 200, and an escape that is none (`a%zz`) ends the gateway. Such keys are refused on every server.
 *
 * @throws StorageError UNSUPPORTED
 */
export function refuseDecodedTwice(where: Where, { objectKey }: ObjectSource): void {
  if (!objectKey.includes('%') && !objectKey.includes('?versionId=')) return
  throw failure('UNSUPPORTED', where, 'some servers would copy another object: its key has %', {
    hints: ['store it again under another key'],
  })
}
