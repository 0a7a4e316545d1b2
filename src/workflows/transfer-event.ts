/**
 * What happens during an upload or download, for the log (`--log`) and for whoever else listens. Names, sizes and
 * checksums only: no key, no passphrase, no plaintext. The log adds the time.
 */
export type TransferEvent =
  | TransferStarted
  | TransferGoesOn
  | PartDone
  | RangeDone
  | RequestRetried
  | ObjectDone
  | FileDone
  | OneFailed
  | TransferFinished

/** What the whole command is about. */
interface TransferStarted {
  event: 'started'
  direction: 'upload' | 'download'
  /** The object key or prefix, as `s3://…`. */
  target: string
  /** Name of the journal, where there is one. */
  transferId?: string | undefined
  totalFiles: number
  /** Bytes; undefined when the input's size is not known. */
  totalBytes?: number | undefined
}

/** An earlier run of the same transfer is gone on with. */
interface TransferGoesOn {
  event: 'resumed'
  objectKey: string
  path: string
  /** Bytes that need not be moved again. */
  bytes: number
}

/** The store has one part. */
interface PartDone {
  event: 'part'
  objectKey: string
  path?: string | undefined
  partNumber: number
  bytes: number
  etag?: string | undefined
}

/** One range is authenticated and written. */
interface RangeDone {
  event: 'range'
  objectKey: string
  path?: string | undefined
  /** From 0. */
  rangeIndex: number
  bytes: number
}

/** A request failed and is tried again. */
interface RequestRetried {
  event: 'retry'
  /** The S3 operation. */
  operation: string
  objectKey?: string | undefined
  partNumber?: number | undefined
  code: string
  message: string
  /** Which attempt failed, from 1. */
  attempt: number
  /** Wait before the next attempt. */
  seconds: number
}

/** An object is stored and checked. */
interface ObjectDone {
  event: 'object'
  objectKey: string
  path: string
  /** Of the object. */
  bytes: number
  etag?: string | undefined
  versionId?: string | undefined
  /** Of the plaintext, hex. */
  sha256?: string | undefined
  md5?: string | undefined
}

/** A file has its final name. */
interface FileDone {
  event: 'file'
  objectKey: string
  path: string
  /** Of the file. */
  bytes: number
  sha256?: string | undefined
  md5?: string | undefined
}

/** One file or object did not make it; the others go on. */
interface OneFailed {
  event: 'failed'
  objectKey?: string | undefined
  path?: string | undefined
  code: string
  message: string
}

/** The command's end, however it ended. */
interface TransferFinished {
  event: 'finished'
  /** Moved by this run. */
  bytes: number
  /** Done by this run or before. */
  files: number
  failedFiles: number
  /** Since the start. */
  seconds: number
  /** Why it ended early, where it did. */
  code?: string | undefined
}
