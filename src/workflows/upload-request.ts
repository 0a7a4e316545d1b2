import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { Recipient } from './recipients.ts'
import type { TransferEvent } from './transfer-event.ts'
import type { JournalSettings } from './transfer-job.ts'
import type { TransferProgress } from './transfer-progress.ts'
import type { FailedTransfer } from './transfer-run.ts'
import type { UploadSourceOptions } from './upload-sources.ts'

/** Parts in flight over all files together: with 16 MiB parts, 64 MiB of buffers. */
export const DEFAULT_CONCURRENCY = 4

export interface UploadRequest {
  store: ObjectStore
  /** Files and folders. */
  sources: readonly string[]
  /** Which files of them, and what to do about links. */
  sourceOptions?: UploadSourceOptions | undefined
  bucket: string
  /** A prefix, empty or ending in `/`; or the object key for a single file. */
  target: string
  /** Who will be able to open the objects: at least one. */
  recipients: readonly Recipient[]
  /** An own key pair as the sender; an ephemeral one when absent. */
  sender?: KeyPair | undefined
  /** Gives own key pairs, asked only when an interrupted upload is gone on with: one that is a recipient saves a second data key. */
  identities?: (() => Promise<readonly KeyPair[]>) | undefined
  /** Where progress is written down; without it an interrupted upload is aborted. */
  journal?: JournalSettings | undefined
  /** Replace objects that exist. */
  force: boolean
  /** Encrypt files that are Crypt4GH files already once more. */
  encryptAgain?: boolean | undefined
  /** Record the plaintext's MD5 as well as its SHA-256. */
  md5?: boolean | undefined
  /** Read everything back and check it. */
  verify?: boolean | undefined
  /** Bytes aimed at per part. */
  partSize?: number | undefined
  concurrency?: number | undefined
  /** Worker threads for the cipher; chosen by size when absent. */
  threads?: number | undefined
  /** Bytes of all buffers for parts. */
  memory?: number | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
  onEvent?: ((event: TransferEvent) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface UploadResult {
  bucket: string
  objects: UploadedObject[]
  failed: FailedTransfer[]
  recipients: { name: string; fingerprint: string }[]
  /** Plaintext bytes delivered. */
  bytes: number
  /** Bytes of objects and parts that an earlier run had sent. */
  foundBytes: number
  seconds: number
  /** Why the journal is incomplete, when it is. */
  journalIncomplete?: string | undefined
}

export interface UploadedObject {
  source: string
  objectKey: string
  /** Bytes of the file. */
  plaintextSize: number
  /** Bytes of the object. */
  objectSize: number
  parts: number
  etag: string | undefined
  versionId: string | undefined
  /** Digests of the plaintext, hex; the MD5 only where asked for. */
  sha256: string
  md5: string | undefined
  /** How the size was checked after the upload; see docs/transfers.md. */
  sizeCheckedBy: 'head' | 'parts' | 'etag' | 'none'
  /** False when the store does not let the uploader see whether an object was replaced. */
  overwriteChecked: boolean
  /** Bytes of the object that an earlier run had sent. */
  foundBytes: number
  /** More than one when an earlier run's data key could not be known again. */
  dataKeyCount: number
  /** Whether it was read back, with every tag, or (after a resume) by the MD5 of each part. */
  verified: 'no' | 'tags' | 'parts'
}
