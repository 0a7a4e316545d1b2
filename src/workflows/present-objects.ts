import type { ObjectStore } from '../storage/object-store.ts'
import { hasCode } from '../util/errors.ts'

/** An object as the store shows it. */
export interface PresentObject {
  size: number
  etag: string
}

/** From so many objects on, one listing is cheaper than a question for each. */
const WORTH_LISTING = 16

/** A prefix may hold far more than what is asked for: a listing of more entries than this for each is given up. */
const ENTRIES_EACH = 4
const MOST_ENTRIES_AT_LEAST = 4000

/** Which of the objects that are about to be written exist already. */
export class PresentObjects {
  readonly #store: ObjectStore
  readonly #bucket: string
  readonly #listed: ReadonlyMap<string, PresentObject> | undefined
  readonly #signal: AbortSignal | undefined

  private constructor(
    store: ObjectStore,
    bucket: string,
    listed: ReadonlyMap<string, PresentObject> | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.#store = store
    this.#bucket = bucket
    this.#listed = listed
    this.#signal = signal
  }

  /**
   * Lists the prefix where many objects are wanted and the caller may (ListObjectsV2); later questions are answered
   * from the list, or by a request each (HeadObject).
   *
   * @param prefix - of all object keys
   */
  static async below(
    store: ObjectStore,
    bucket: string,
    prefix: string,
    objectKeys: readonly string[],
    signal?: AbortSignal,
  ): Promise<PresentObjects> {
    if (objectKeys.length < WORTH_LISTING) return new PresentObjects(store, bucket, undefined, signal)
    const listed = await listWanted(store, bucket, prefix, new Set(objectKeys), signal)
    return new PresentObjects(store, bucket, listed, signal)
  }

  /** True when everything is known already, and a question costs nothing. */
  get known(): boolean {
    return this.#listed !== undefined
  }

  /** The object; `absent`, or `hidden` where the caller may not see it. */
  async look(objectKey: string): Promise<PresentObject | 'absent' | 'hidden'> {
    if (this.#listed !== undefined) return this.#listed.get(objectKey) ?? 'absent'
    try {
      return await this.#store.headObject(this.#bucket, objectKey, { signal: this.#signal })
    } catch (error) {
      if (hasCode(error, 'OBJECT_NOT_FOUND')) return 'absent'
      if (hasCode(error, 'ACCESS_DENIED')) return 'hidden'
      throw error
    }
  }
}

async function listWanted(
  store: ObjectStore,
  bucket: string,
  prefix: string,
  wanted: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, PresentObject> | undefined> {
  const found = new Map<string, PresentObject>()
  const most = Math.max(MOST_ENTRIES_AT_LEAST, ENTRIES_EACH * wanted.size)
  let seen = 0
  try {
    for await (const { objectKey, size, etag } of store.listObjects(bucket, { prefix, signal })) {
      seen += 1
      if (seen > most) return undefined
      if (wanted.has(objectKey)) found.set(objectKey, { size, etag })
    }
  } catch (error) {
    // A depositor may write and not list.
    if (hasCode(error, 'ACCESS_DENIED', 'UNSUPPORTED')) return undefined
    throw error
  }
  return found
}
