import type { ObjectSource } from '../../storage/copy-store.ts'
import { StorageError } from '../../storage/errors.ts'
import type { ByteRange, MultipartUpload, ObjectHead, UploadedPart } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { fetchRange } from '../../transfer/fetch-range.ts'
import { hasCode } from '../../util/errors.ts'
import type { CopyPlan } from './copy-plan.ts'

/** Parts of one object that are copied at the same time. */
const PARTS_AT_ONCE = 4

/** Bytes of parts on their way through this machine that may be in memory at the same time. */
const MEMORY = 128 * 1024 ** 2

/** Where the bytes of the parts come from. */
interface PartSource {
  source: ObjectSource
  before: ObjectHead
  /** Part 1, where it is not of the source. */
  beginning?: { bytes: Uint8Array } | undefined
}

/** How the bytes come into the parts. */
export interface PartWay {
  /**
   * They pass through this machine, as they are stored: where the server does not copy parts ({@link isNoServerCopy}).
   * Each part is a buffer then, so they should be small.
   */
  throughHere?: boolean | undefined
  /** Sees the bytes of each part that passes through here and where they begin in the source; what it throws ends the copy. */
  onPassing?: ((bytes: Uint8Array, offset: number) => void) | undefined
}

/** True for the failure of a server that does not copy parts of this object for us: their bytes may pass through here. */
export function isNoServerCopy(error: unknown): boolean {
  if (!(error instanceof StorageError) || error.operation !== 'UploadPartCopy') return false
  return hasCode(error, 'UNSUPPORTED', 'ACCESS_DENIED')
}

/** How many parts are under way at a time. */
export function partsAtOnce({ partSize }: CopyPlan, { throughHere = false }: PartWay): number {
  if (!throughHere) return PARTS_AT_ONCE
  return Math.min(PARTS_AT_ONCE, Math.max(1, Math.floor(MEMORY / partSize)))
}

/** What stores one part of a copy, given where its bytes are in the source. */
export function partSender(
  store: Store,
  { source, before, beginning }: PartSource,
  upload: MultipartUpload,
  { throughHere = false, onPassing, signal }: PartWay & { signal?: AbortSignal | undefined },
): (partNumber: number, range: ByteRange) => Promise<UploadedPart> {
  return async (partNumber, { offset, length }) => {
    if (partNumber === 1 && beginning !== undefined) {
      return store.uploadPart(upload, 1, beginning.bytes, { signal })
    }
    const range = { offset, length }
    if (!throughHere) return store.copyPart(upload, partNumber, { ...source, range }, { signal })
    const bytes = await fetchRange(store, source, range, before.etag, signal, undefined, before.size)
    onPassing?.(bytes, offset)
    return store.uploadPart(upload, partNumber, bytes, { signal })
  }
}
