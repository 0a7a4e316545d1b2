import { createHash } from 'node:crypto'
import type { KeyPair } from '../../crypto/keys/key-pair.ts'
import type { ObjectHead } from '../../storage/object-store.ts'
import { fetchObjectHeader } from '../../transfer/object-header.ts'
import { accessSealed, accessStored, type RandomAccessObject } from '../../transfer/random-access.ts'
import type { SharedReading } from '../../transfer/segment-reader.ts'
import { monotonicSeconds } from '../../util/clock.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import type { Representation } from './conditional-answer.ts'
import type { Candidate } from './served-names.ts'

/** Seconds for which an object is taken to be the one that was seen; each GET insists on its ETag all the same. */
const SEEN_FOR = 10

/** Objects whose opened headers are kept; the one that was asked for longest ago is opened anew. */
const MOST_OPENED = 256

export interface OpeningRules {
  bucket: string
  identities: readonly KeyPair[]
  /** Public keys, one of which must have written what opens for us; anybody's may when absent. */
  senders: readonly Uint8Array[] | undefined
  /** Whether objects that are not encrypted are given as they are. */
  plainToo: boolean
  shared: SharedReading
  /** Ends what is on its way when nothing is served any more. */
  signal: AbortSignal
  /** Clock in seconds that never goes back, replaced in tests. */
  now?: (() => number) | undefined
}

/** An object as it was last seen. */
export interface OpenedObject {
  access: RandomAccessObject
  file: Representation
}

interface Entry {
  opened: OpenedObject
  sealed: boolean
  seenAt: number
}

/** The objects that are being read, each opened once for as long as it is the same one. */
export class OpenedObjects {
  readonly #rules: OpeningRules
  readonly #now: () => number
  /** The one that was asked for longest ago comes first. */
  readonly #entries = new Map<string, Entry>()
  readonly #opening = new Map<string, Promise<Entry>>()

  constructor(rules: OpeningRules) {
    this.#rules = rules
    this.#now = rules.now ?? monotonicSeconds
  }

  /**
   * The first of some objects that is there and may be served.
   *
   * @throws AppError OBJECT_NOT_FOUND, NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, UNEXPECTED_SENDER,
   * AUTHENTICATION_FAILED (impossible size); StorageError
   */
  async openFirst(candidates: readonly Candidate[]): Promise<OpenedObject> {
    const failures: AppError[] = []
    for (const candidate of candidates) {
      try {
        return await this.#open(candidate)
      } catch (error) {
        // Without permission to list, a store says of what does not exist that it is forbidden.
        if (!hasCode(error, 'OBJECT_NOT_FOUND', 'NOT_CRYPT4GH', 'ACCESS_DENIED')) throw error
        failures.push(error)
      }
    }
    throw failures.find(({ code }) => code !== 'OBJECT_NOT_FOUND') ?? failures[0] ?? notServed()
  }

  /** What was seen of an object is no longer so. */
  forget(access: RandomAccessObject): void {
    for (const [objectKey, { opened }] of this.#entries) {
      if (opened.access === access) this.#drop(objectKey)
    }
  }

  async #open({ objectKey, sealed }: Candidate): Promise<OpenedObject> {
    let entry = this.#entries.get(objectKey)
    if (entry === undefined || this.#now() - entry.seenAt >= SEEN_FOR) {
      const opening = this.#opening.get(objectKey) ?? this.#look(objectKey, entry)
      this.#opening.set(objectKey, opening)
      try {
        entry = await opening
      } finally {
        if (this.#opening.get(objectKey) === opening) this.#opening.delete(objectKey)
      }
    }
    if (sealed && !entry.sealed) throw notEncrypted(this.#rules.bucket, objectKey)
    this.#entries.delete(objectKey)
    this.#entries.set(objectKey, entry)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > MOST_OPENED && oldest !== undefined) this.#drop(oldest)
    return entry.opened
  }

  /** Asks what the object is now; what is in memory stays of use when it is the same. */
  async #look(objectKey: string, earlier: Entry | undefined): Promise<Entry> {
    const { bucket, shared, signal } = this.#rules
    const seenAt = this.#now()
    try {
      const head = await shared.store.headObject(bucket, objectKey, { signal })
      const before = earlier?.opened.access.version
      if (earlier !== undefined && before?.etag === head.etag && before.size === head.size) {
        earlier.seenAt = seenAt
        return earlier
      }
      this.#drop(objectKey)
      return { ...(await this.#access(objectKey, head)), seenAt }
    } catch (error) {
      this.#drop(objectKey)
      throw error
    }
  }

  async #access(objectKey: string, head: ObjectHead): Promise<Omit<Entry, 'seenAt'>> {
    const { bucket, identities, senders, plainToo, shared, signal } = this.#rules
    const name = { bucket, objectKey }
    const version = { size: head.size, etag: head.etag }
    const opened = (access: RandomAccessObject): OpenedObject => ({
      access,
      file: { size: access.size, etag: entityTag(head), lastModified: head.lastModified },
    })
    try {
      const { store } = shared
      const found = await fetchObjectHeader(name, version, identities, { store, senders, signal })
      const { header, opened: keys } = found
      return { opened: opened(accessSealed(name, version, header.length, keys, shared)), sealed: true }
    } catch (error) {
      if (!hasCode(error, 'NOT_CRYPT4GH')) throw error
      if (!plainToo) throw notEncrypted(bucket, objectKey)
      return { opened: opened(accessStored(name, version, shared)), sealed: false }
    }
  }

  #drop(objectKey: string): void {
    this.#entries.get(objectKey)?.opened.access.close()
    this.#entries.delete(objectKey)
  }
}

/** Changes when the object does; of the stored bytes, as the plaintext's digest would tell who has the same file. */
function entityTag({ etag, size }: ObjectHead): string {
  const digest = createHash('sha256').update(`${etag} ${size}`).digest('base64url')
  return `"${digest.slice(0, 22)}"`
}

function notEncrypted(bucket: string, objectKey: string): AppError {
  return new AppError('NOT_CRYPT4GH', `s3://${bucket}/${objectKey}: not encrypted, hence not served`, {
    hints: ['with --plain-too such objects are served as they are stored'],
  })
}

function notServed(): AppError {
  return new AppError('OBJECT_NOT_FOUND', 'nothing is served under this name')
}
