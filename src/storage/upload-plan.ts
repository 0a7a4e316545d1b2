import type {
  CannedAcl,
  ObjectHeaders,
  ObjectTags,
  RequestOptions,
  StoredObject,
  StreamedBody,
} from './object-store.ts'
import type { SentPart } from './upload-checks.ts'
import type { EarlierUpload } from './upload-resume.ts'

/** What is sent: known before the first byte. */
export interface UploadPlan {
  /** Bytes of the finished object. */
  size: number
  /** Parts from 1 to this; one is sent by PutObject. */
  partCount: number
  /** True when even a single part is sent as a part: it is too large for a buffer. */
  inParts?: boolean | undefined
  /** Makes a part. Called in order, by several workers at a time; once more for a part that has to be sent again. */
  prepare(partNumber: number, signal: AbortSignal): Promise<PreparedPart>
}

/** One part, ready to be sent. */
export interface PreparedPart {
  body: Uint8Array | StreamedBody
  /** SHA-256 of the body, hex; the server verifies it (see BodyOptions). */
  sha256?: string | undefined
  /** MD5 of the body, hex, or what gives it after sending: the ETag that the server answers must be this. */
  md5?: string | (() => string | undefined) | undefined
  /** MD5 of the body, hex, given for one part: tells whether this store's ETags are MD5s. */
  etagProbe?: string | undefined
  /** Gives the buffer back; called once, when the body is not needed any more. */
  release(): void
}

export interface UploadOptions extends RequestOptions {
  /** Parts on the way at a time. */
  concurrency: number
  acl?: CannedAcl | undefined
  contentType?: string | undefined
  /** All that the object shall say of itself, instead of `contentType`. */
  headers?: ObjectHeaders | undefined
  /** What it shall be tagged with. Look at it afterwards: a server may ignore them. */
  tags?: ObjectTags | undefined
  /** Refuse to overwrite: OBJECT_EXISTS. */
  ifAbsent?: boolean | undefined
  /** True when the caller has seen that there is no such object: it is not looked for again. */
  absentSeen?: boolean | undefined
  /** An upload of the same plan that was begun earlier: what the store has of it is not sent again. */
  earlier?: EarlierUpload | undefined
  /** Awaited after the upload was created and before its first part is sent. */
  onCreated?: ((uploadId: string) => Promise<void>) | undefined
  /** Told about each part that the store has; `found` ones were there before. */
  onPartStored?: ((part: SentPart, found: boolean) => void) | undefined
  /** Awaited when all parts have arrived and before they are joined: a failure here leaves no object. */
  beforeComplete?: (() => Promise<void>) | undefined
  /** Whether the unfinished upload stays in the store after this failure. */
  keepAfter?: ((failure: unknown) => boolean) | undefined
}

export interface UploadResult extends StoredObject {
  size: number
  partCount: number
  /** Every part as the store has it; none of an object sent in one piece. */
  parts: readonly SentPart[]
  /**
   * What the size was compared with: the finished object (HeadObject), the store's list of parts where the uploader may
   * not look at the object, the ETag of an object sent in one piece, or nothing where the store lets none of these be seen.
   */
  sizeCheckedBy: 'head' | 'parts' | 'etag' | 'none'
  /** False when `ifAbsent` was asked for and the store does not let the uploader see whether the object existed. */
  overwriteChecked: boolean
}
