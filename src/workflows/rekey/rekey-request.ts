import type { FailedTransfer } from '../transfer-run.ts'
import type { RecipientName } from '../recipients.ts'
import type { S3Location } from '../s3-url.ts'
import type { TransferProgress } from '../transfer-progress.ts'
import type { DeepRekeyedObject } from './deep-finish.ts'
import type { PlannedRekey } from './planned-rekey.ts'
import type { ReaderChange } from './reader-change.ts'
import type { RekeyObjectOptions, RekeyedObject } from './rekey-object.ts'

/** The keys of a change by the names that people gave them. */
export interface ReaderNames {
  added: readonly RecipientName[]
  removed: readonly RecipientName[]
  /** Everybody who shall read the objects, when that was said instead. */
  exactly?: readonly RecipientName[] | undefined
}

export interface RekeyObjectsRequest {
  /** One object, or all below a prefix. */
  place: S3Location
  /** Where the new objects go, instead of the old ones' place: a prefix, or the key of a single object. */
  into?: S3Location | undefined
  change: ReaderChange
  names: ReaderNames
  /** Replace what is at another target. */
  force: boolean
  /** A new data key and a new body, instead of a new header alone. */
  deep: boolean
  /** Delete the versions that are replaced, where versions are kept. */
  deleteReplaced: boolean
  /** Only tell what would be done. */
  dryRun: boolean
  /** Small objects at work at the same time; 32 when absent. */
  concurrency?: number | undefined
  /** Bytes aimed at for parts: those that the server copies, or those that are sent with `deep`. */
  partSize?: number | undefined
  /** Where it is written down what is done and begun, so that the next run goes on; without it nothing is. */
  records?: RekeyObjectOptions['records']
  /** A file that shall tell what became of every object. */
  report?: string | undefined
  /** Objects of which the result tells; all when absent. */
  keepResults?: number | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
}

/** Objects that were left as they are, by why. */
export interface RekeySkipped {
  /** Public keys of the key card (`keys/NAME.pub`). */
  publishedKeys: number
  /** Empty objects that stand for folders. */
  folders: number
  notCrypt4gh: number
  /** That an earlier run of the same command did. */
  doneBefore: number
}

/** Sums over the objects that were rekeyed, or would be. Sizes in bytes. */
export interface RekeyTotals {
  objects: number
  /** Of the objects as they are stored. */
  bytes: number
  sentBytes: number
  receivedBytes: number
  /** What the server copied by itself. */
  copiedBytes: number
  /** Of others, that could not be opened and are gone. */
  packetsDropped: number
  /** Versions that were replaced, are kept, and have the old header. */
  olderVersions: number
  /** Objects that none of the identities opens any more. */
  noLongerReadable: number
  /** Objects whose ACL could not be read: whom else it let in is not let in any more. */
  unknownGrants: number
}

/** What `rekey s3://…` did: the --json contract. */
export interface RekeyObjectsResult {
  /** As an s3:// address. */
  place: string
  into?: string
  deep: boolean
  dryRun: boolean
  /** Whether the bucket keeps what is overwritten. */
  versioned: boolean
  added: RecipientName[]
  removed: RecipientName[]
  exactly?: RecipientName[]
  /** In the order in which they were done; cut short by `keepResults`, the totals are not. */
  rekeyed: (RekeyedObject | DeepRekeyedObject)[]
  /** With `dryRun`, instead of `rekeyed`. */
  planned: PlannedRekey[]
  skipped: RekeySkipped
  failed: FailedTransfer[]
  totals: RekeyTotals
  /** The file that was written. */
  report?: string
  seconds: number
}
