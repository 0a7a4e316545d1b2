import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import type { ObjectHeaders } from '../../../src/storage/object-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import type { ReaderChange } from '../../../src/workflows/rekey/reader-change.ts'
import {
  rekeyObject,
  type RekeyedObject,
  type RekeyObjectOptions,
} from '../../../src/workflows/rekey/rekey-object.ts'
import { collect, read } from '../../conformance/steps.ts'
import { changeBy, objectFor, people, reads, type People } from './sealed-scene.ts'

export const MIB = 1024 ** 2
export const BUCKET = 'animine-data-import-1'
export const KEY = 'run 12/reads.bam.c4gh'
export const PLACE = { bucket: BUCKET, objectKey: KEY }
const HEADERS: ObjectHeaders = {
  contentType: 'application/x-reads',
  cacheControl: 'no-store',
  metadata: { sample: 'ä 7' },
}
const TAGS = { state: 'raw', of: 'run 12' }
const READING = { grantee: { type: 'canonical', id: 'project_2000333' }, permission: 'READ' } as const

/** Cut into six parts: five boundaries. */
export const largePlaintext = randomBytes(29 * MIB + 77)
export const smallPlaintext = randomBytes(200_000)

type Rekeying = Partial<RekeyObjectOptions> & {
  at?: Store
  change?: ReaderChange
  source?: typeof PLACE
  target?: typeof PLACE
}

/** A bucket of its own for each test, and two objects that the owner and Bob read. */
export interface RekeyScene {
  them: People
  large: Buffer
  small: Buffer
  store: Store
  /** For records. */
  folder: string
  /** With headers, tags and a grant. */
  stored: (object: Buffer, objectKey?: string) => Promise<void>
  /** In parts of 5 MiB; Carol in and Bob out, unless something else is asked for. */
  rekeyed: (options?: Rekeying) => Promise<RekeyedObject>
  /** Carol reads it and Bob does not, and what was stored with it is there. */
  expectSwapped: (plaintext: Uint8Array, place?: typeof PLACE) => Promise<void>
  expectUntouched: (object: Buffer) => Promise<void>
}

/** Sets the scene before the tests of a file. */
export function rekeyScene(): RekeyScene {
  const scene: Partial<RekeyScene> &
    Pick<RekeyScene, 'stored' | 'rekeyed' | 'expectSwapped' | 'expectUntouched'> = {
    stored: async (object, objectKey = KEY) => {
      const store = scene.store!
      await store.putObject(BUCKET, objectKey, object, { headers: HEADERS, tags: TAGS })
      const acl = await store.objectAcl(BUCKET, objectKey)
      await store.putObjectAcl(BUCKET, objectKey, { ...acl, grants: [...acl.grants, READING] })
    },
    rekeyed: ({ at = scene.store!, change, source = PLACE, target = source, ...others } = {}) => {
      const { me, bob, carol } = scene.them!
      const swapped = changeBy(me, { added: [carol.publicKey], removed: [bob.publicKey] })
      const defaults = { force: false, versioned: false, partSize: 5 * MIB }
      return rekeyObject(at, { source, target }, change ?? swapped, { ...defaults, ...others })
    },
    expectSwapped: async (plaintext, place = PLACE) => {
      const { me, bob, carol } = scene.them!
      const store = scene.store!
      const { bucket, objectKey } = place
      const found = [me, carol, bob].map((reader) => reads(store, place, reader, plaintext))
      expect(await Promise.all(found)).toEqual([true, true, false])
      expect(await store.headObject(bucket, objectKey)).toMatchObject({ headers: HEADERS, tagCount: 2 })
      expect(await store.objectTags(bucket, objectKey)).toEqual(TAGS)
      expect((await store.objectAcl(bucket, objectKey)).grants).toContainEqual(READING)
    },
    expectUntouched: async (object) => {
      expect((await read(scene.store!, BUCKET, KEY)).equals(object)).toBe(true)
      expect(await collect(scene.store!.listMultipartUploads(BUCKET))).toEqual([])
    },
  }
  beforeAll(async () => {
    const them = await people()
    const readers = [them.me, them.bob]
    const large = await objectFor(largePlaintext, readers)
    Object.assign(scene, { them, large, small: await objectFor(smallPlaintext, readers) })
  })
  beforeEach(async () => {
    const store = createMemoryStore({ ownerId: 'project_2000222' })
    await store.createBucket(BUCKET)
    Object.assign(scene, { store, folder: await mkdtemp(join(tmpdir(), 'sealift-rekey-')) })
  })
  afterEach(async () => {
    await rm(scene.folder!, { recursive: true })
  })
  return scene as RekeyScene
}
