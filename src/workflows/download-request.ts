import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { TransferEvent } from './transfer-event.ts'
import type { JournalSettings } from './transfer-job.ts'
import type { TransferProgress } from './transfer-progress.ts'
import type { FailedTransfer } from './transfer-run.ts'

export interface DownloadRequest {
  store: ObjectStore
  bucket: string
  /** An object key, or a prefix: empty, or ending in `/`. */
  source: string
  /** Folder or file; the folder the command runs in when absent. */
  destination?: string | undefined
  /** Secret keys that may open the objects; not needed when they are kept encrypted. */
  identities: readonly KeyPair[]
  decrypt: boolean
  /** Public keys, one of which must have written what opens for us; anybody's may when absent. */
  senders?: readonly Uint8Array[] | undefined
  /** Patterns for paths below a prefix (path-filter.ts), with or without `.c4gh`; all of them when absent. */
  include?: readonly string[] | undefined
  exclude?: readonly string[] | undefined
  /** Replace files that exist. */
  force: boolean
  /** Ranges in flight over all objects together. */
  concurrency?: number | undefined
  /** Bytes of a range. */
  rangeSize?: number | undefined
  /** Bytes that all ranges in flight may take together. */
  memory?: number | undefined
  /** Worker threads for the cipher; chosen by size when absent. */
  threads?: number | undefined
  /** Only looks what would be done. */
  dryRun?: boolean | undefined
  /** With it a run that was stopped is gone on with by the next one of the same request. */
  journal?: JournalSettings | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
  onEvent?: ((event: TransferEvent) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface DownloadedFile {
  objectKey: string
  path: string
  /** Bytes of the file written. */
  size: number
  /** Bytes of the object. */
  objectSize: number
  etag: string
  /** Fingerprints of the sender keys the header names; proof of origin only when you know the key. None for a file that was here already. */
  senders: string[]
  /** An earlier run of the same download finished it; nothing was fetched. */
  alreadyHere: boolean
  /** Bytes of the object that an earlier run had fetched. */
  earlierBytes: number
  /** Why what an earlier run left could not be gone on with, where it left something. */
  startedOver?: string | undefined
}

/** What a run would do about an object. */
export interface PlannedDownload {
  objectKey: string
  path: string
  objectSize: number
  /** `here`: finished by an earlier run; `resume`: begun by one; `exists`: refused, because something has the name. */
  state: 'new' | 'resume' | 'here' | 'exists'
}

export interface DownloadResult {
  files: DownloadedFile[]
  failed: FailedTransfer[]
  /** Objects of the key card: public keys, left out of a decrypting download. */
  skipped: string[]
  /** Objects that the patterns left out. */
  excluded: number
  /** Only of a dry run, which does nothing else. */
  planned?: PlannedDownload[] | undefined
  /** Of the files that this run wrote. */
  bytes: number
  seconds: number
}
