import type { OpenedHeader } from '../../crypto/crypt4gh/open-header.ts'
import type { ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import type { CopyRecords } from '../copies/copy-record.ts'
import type { ObjectBeginning } from './object-beginning.ts'
import type { ChangedHeader } from './reader-change.ts'

export interface RekeyObjectOptions {
  /** Replace what is at a target other than the source. */
  force: boolean
  /** Whether the target's bucket keeps what is overwritten. */
  versioned: boolean
  /** Delete the version that was replaced, once the new one is checked. */
  deleteReplaced?: boolean | undefined
  /** Where begun copies are written down, so that the next run goes on with them; without it nothing is kept. */
  records?: CopyRecords | undefined
  /** Bytes aimed at for parts that the server copies; chosen by the object when absent. */
  partSize?: number | undefined
  /** Told what was copied or sent, in bytes of the new object. */
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** An object whose header is new: part of the --json contract. Sizes in bytes. */
export interface RekeyedObject {
  objectKey: string
  /** Only when it is another object than the source. */
  target?: ObjectName
  size: number
  etag: string
  versionId?: string
  packetsBefore: number
  packetsAfter: number
  /** Of others, that could not be opened and are gone. */
  packetsDropped: number
  /** Whether one of the identities opens it now. */
  stillReadable: boolean
  /** `copied`: the server copied all but the beginning; `rewritten`: whole, by one request; `streamed`: through this machine. */
  way: 'copied' | 'rewritten' | 'streamed'
  parts: number
  /** Of bodies, without the requests around them. */
  sentBytes: number
  receivedBytes: number
  /** Where versions are kept: the version before, which still has the old header. */
  olderVersion?: string
  /**
   * `etag`: the new object has the MD5 of what was sent. `parts`: it has the ETag that its parts give. `size`: the server's
   * ETags tell nothing.
   */
  comparedBy: 'etag' | 'parts' | 'size'
  /** Only where the ACL of the object before could not be read: who else it let in can't be given again. */
  grants?: 'unknown' | undefined
}

/** One object on its way to a new header. */
export interface ObjectRekey {
  store: Store
  source: ObjectName
  target: ObjectName
  /** Whether source and target are the same object. */
  inPlace: boolean
  beginning: ObjectBeginning
  opened: OpenedHeader
  changed: ChangedHeader
  /** Hash of who asked for what: an unfinished one of the same request is only finished. */
  request: string
  traffic: Traffic
}

/** Bytes of bodies that went through this machine. */
export interface Traffic {
  sent: number
  received: number
}

/** The new object as the server has it. */
export interface PlacedObject {
  size: number
  etag: string
  versionId: string | undefined
  tagCount: number | undefined
}
