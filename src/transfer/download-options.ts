import type { ObjectStore } from '../storage/object-store.ts'
import type { SegmentEngine } from './segment-engine.ts'
import type { SlotPool } from './slot-pool.ts'
import type { TransferJournal } from './journal/transfer-journal.ts'

export interface DownloadOptions {
  store: ObjectStore
  engine: SegmentEngine
  /** Buffers of at least `rangeSize` bytes, shared by all downloads of a run. */
  slots: SlotPool
  /** Ranges in flight for this object. */
  concurrency: number
  /** Bytes; 8 MiB when absent. */
  rangeSize?: number | undefined
  /** The object as it is now; it is asked for when absent. */
  known?: ObjectVersion | undefined
  /** The object as a listing had it, which may be hours old: good for a first try at a small one. */
  listed?: ObjectVersion | undefined
  /** Insists that one of these public keys wrote every packet that opens for us. */
  senders?: readonly Uint8Array[] | undefined
  /** Replace a file that has the name. */
  replace: boolean
  /** What was done is written down here, so that the next run goes on; without one a failure leaves nothing. */
  journal?: TransferJournal | undefined
  /** Writes the finished file down as well: of use when others follow. Leaves the folder for the caller to sync. */
  oneOfMany?: boolean | undefined
  /** Bytes that were checked and written, each time some more are; what an earlier run did comes first. */
  onBytes?: ((count: number) => void) | undefined
  /** A range is checked and written. */
  onRange?: ((rangeIndex: number, bytes: number) => void) | undefined
  /** An earlier run's work is gone on with. */
  onResume?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** Which bytes are meant when an object key is named. */
export interface ObjectVersion {
  /** Bytes. */
  size: number
  etag: string
}

export interface DownloadedObject {
  /** Bytes of the file written. */
  size: number
  /** Bytes of the object. */
  objectSize: number
  etag: string
  /** Writer public keys of the header packets that opened; none for an object kept as it is. */
  senders: readonly Uint8Array[]
  /** Bytes of the object that were not fetched, because an earlier run had done so. */
  earlierBytes: number
  /** Why what an earlier run left was of no use, where it left something. */
  startedOver: string | undefined
}
