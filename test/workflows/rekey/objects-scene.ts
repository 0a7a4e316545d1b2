import { generateKeyPair, type KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { fingerprint } from '../../../src/crypto/keys/fingerprint.ts'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import type { ReaderChange } from '../../../src/workflows/rekey/reader-change.ts'
import {
  rekeyObjects,
  type RekeyObjectsRequest,
  type RekeyObjectsResult,
} from '../../../src/workflows/rekey/rekey-objects.ts'
import { read } from '../../conformance/steps.ts'
import { fault, faultyStore } from '../../storage/faulty-store.ts'
import { objectFor, openedBy } from './sealed-scene.ts'

export const BUCKET = 'animine-data-import-1'
export const ELSEWHERE = 'animine-results-1'

/** A bucket of encrypted objects and the people who read them, or shall. */
export interface ObjectsScene {
  store: Store
  group: KeyPair
  /** Reads everything at first, and is to go. */
  lost: KeyPair
  anna: KeyPair
  /** Reads what nobody thinks of. */
  guest: KeyPair
  put(objectKey: string, plaintext: Uint8Array, readers: readonly KeyPair[], bucket?: string): Promise<string>
  /** The plaintext; undefined for who can't open it. */
  opens(objectKey: string, reader: KeyPair, bucket?: string): Promise<Buffer | undefined>
  /** `run/` for Anna as well, as the group, unless it says otherwise. */
  rekey(
    more?: Partial<Omit<RekeyObjectsRequest, 'change'>> & { change?: Partial<ReaderChange> },
    store?: Store,
    signal?: AbortSignal,
  ): Promise<RekeyObjectsResult>
}

export async function objectsScene(): Promise<ObjectsScene> {
  const store = createMemoryStore()
  await store.createBucket(BUCKET)
  await store.createBucket(ELSEWHERE)
  const [group, lost, anna, guest] = await Promise.all(Array.from({ length: 4 }, generateKeyPair))
  const people = { group: group!, lost: lost!, anna: anna!, guest: guest! }
  return {
    store,
    ...people,
    async put(objectKey, plaintext, readers, bucket = BUCKET) {
      const { etag } = await store.putObject(bucket, objectKey, await objectFor(plaintext, readers))
      return etag!
    },
    opens: async (objectKey, reader, bucket = BUCKET) =>
      openedBy(await read(store, bucket, objectKey), reader),
    async rekey({ change, ...more } = {}, as = store, signal) {
      const request: RekeyObjectsRequest = {
        place: { bucket: BUCKET, objectKey: 'run/' },
        change: {
          identities: [people.group],
          added: [],
          removed: [],
          dropOthers: false,
          ...(change ?? { added: [people.anna.publicKey] }),
        },
        names: {
          added: [{ name: 'anna.pub', fingerprint: fingerprint(people.anna.publicKey) }],
          removed: [],
        },
        force: false,
        deep: false,
        deleteReplaced: false,
        dryRun: false,
        ...more,
      }
      return rekeyObjects(as, request, signal)
    },
  }
}

/** A store that refuses to place new objects under some names. */
export function refusing(store: Store, ...objectKeys: string[]): Store {
  const refuse = (objectKey: string): void => {
    if (objectKeys.includes(objectKey)) throw fault('PutObject', 'ACCESS_DENIED', false)
  }
  return faultyStore(store, {
    putObject: async (...args) => {
      refuse(args[1])
      return store.putObject(...args)
    },
    completeMultipartUpload: async (...args) => {
      refuse(args[0].objectKey)
      return store.completeMultipartUpload(...args)
    },
  }).store
}
