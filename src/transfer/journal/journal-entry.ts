/**
 * What a journal is made of: one JSON object per line, appended and synced, never changed (docs/formats/journal.md).
 * No entry holds a secret or plaintext: headers are sealed to their recipients, keys are public ones.
 */

/** A file as it was when its transfer began; numbers that may exceed 2^53 are decimal text. */
export interface FileIdentity {
  /** Bytes. */
  size: number
  mtimeNs: string
  inode: string
}

/** First line of every journal: what was asked, and how to ask it again. */
export interface TransferBegun {
  type: 'transfer'
  version: 1
  /** Name of the journal: the same request gives the same id (transfer-id.ts). */
  id: string
  direction: 'upload' | 'download'
  endpoint: string
  bucket: string
  /** Object key or prefix in the store. */
  objectKey: string
  /** Absolute paths: the sources of an upload, the one destination of a download. */
  paths: readonly string[]
  /** Words of the command line after `sealift`, and the folder it ran in: `transfer resume` runs them again. */
  command: readonly string[]
  folder: string
  /** ISO 8601. */
  startedAt: string
}

/** A multipart upload was created; nothing of it has been sent yet. */
export interface UploadBegun {
  type: 'upload'
  objectKey: string
  path: string
  source: FileIdentity
  uploadId: string
  /** Segments in every part but the last (PartPlan). */
  segmentsPerPart: number
  /** The whole sealed header at the start of part 1, base64. */
  header: string
}

/** The header was made longer for one more data key: part 1 must be sent again, whatever was stored of it. */
interface HeaderExtended {
  type: 'header'
  objectKey: string
  /** The whole new header, base64. */
  header: string
}

/** The store answered for a part. */
export interface PartStored {
  type: 'part'
  objectKey: string
  partNumber: number
  /** Bytes. */
  size: number
  etag: string
}

/** An object was completed and checked. */
export interface ObjectStored {
  type: 'object'
  objectKey: string
  path: string
  source: FileIdentity
  /** Bytes of the object. */
  size: number
  etag: string | null
  versionId: string | null
  /** SHA-256 of the plaintext, hex. */
  sha256: string
  /** MD5 of the plaintext, hex, where asked for. */
  md5: string | null
}

/**
 * An object is about to be sent in one piece, with all that will be known of it when it was: when no `object` entry
 * follows, the store has it or not, and its ETag tells.
 */
export interface ObjectSending extends Omit<ObjectStored, 'type' | 'etag'> {
  type: 'sending'
  /** MD5 of the sealed object, hex. */
  etag: string
}

/** An unfinished upload was aborted, or found to be gone: its parts count no more. */
interface UploadDropped {
  type: 'dropped'
  objectKey: string
}

/** A download into a partial file has begun. */
export interface DownloadBegun {
  type: 'download'
  objectKey: string
  /** The final name and the partial file, absolute. */
  path: string
  partial: string
  partialInode: string
  /** Of the object: what every range is fetched against. */
  etag: string
  size: number
  /** Bytes in each range but the last; the first range starts behind the header. */
  rangeSize: number
}

/** These ranges were authenticated, written and synced. */
interface RangesWritten {
  type: 'ranges'
  objectKey: string
  /** Numbers from 0, as runs: first and last of each. */
  runs: readonly (readonly [number, number])[]
}

/** A file got its final name. */
export interface FileWritten {
  type: 'file'
  objectKey: string
  path: string
  /** Of the object. */
  etag: string
  file: FileIdentity
}

export type JournalEntry =
  | TransferBegun
  | UploadBegun
  | HeaderExtended
  | PartStored
  | ObjectSending
  | ObjectStored
  | UploadDropped
  | DownloadBegun
  | RangesWritten
  | FileWritten
