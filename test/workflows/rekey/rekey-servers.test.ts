/** The same change of readers on every kind of server, each with what it has of tags, grants and versions. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectHeaders } from '../../../src/storage/object-store.ts'
import { createS3Store } from '../../../src/storage/s3/s3-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { withRetry } from '../../../src/storage/with-retry.ts'
import { hasCode } from '../../../src/util/errors.ts'
import { rekeyObject, type RekeyedObject } from '../../../src/workflows/rekey/rekey-object.ts'
import { collect, freshBucket } from '../../conformance/steps.ts'
import { sharingBackends, type Backend } from '../../support/backends.ts'
import { changeBy, objectFor, people, reads, type People } from './sealed-scene.ts'

const MIB = 1024 ** 2
const HEADERS: ObjectHeaders = { contentType: 'application/x-reads', metadata: { sample: 'ä 7' } }
const TAGS = { state: 'raw', of: 'run 12' }
const KEY = 'run 12/ä+b.c4gh'

interface Stored {
  headers: ObjectHeaders
  tags: typeof TAGS | undefined
}

const small = randomBytes(300_000)
const large = randomBytes(17 * MIB)
let them: People
const objects = new Map<Buffer, Buffer>()

beforeAll(async () => {
  them = await people()
  for (const plaintext of [small, large])
    objects.set(plaintext, await objectFor(plaintext, [them.me, them.bob]))
})

for (const { name, skipped, start } of sharingBackends()) {
  describe.skipIf(skipped !== undefined)(`on ${name}${skipped === undefined ? '' : ` (${skipped})`}`, () => {
    let backend: Backend
    let store: Store

    beforeAll(async () => {
      backend = await start()
      const { group: credentials } = backend.projects
      store = withRetry(createS3Store({ endpoint: backend.endpoint, credentials }))
    })
    afterAll(async () => {
      store.close()
      await backend.close()
    })

    /** Gives its tags, where the server has tags, and its headers: MinIO spells them in another way. */
    async function put(bucket: string, objectKey: string, object: Buffer): Promise<Stored> {
      await store.putObject(bucket, objectKey, object, { headers: HEADERS })
      const { headers } = await store.headObject(bucket, objectKey)
      expect(headers.contentType).toBe(HEADERS.contentType)
      expect(Object.keys(headers.metadata)).toEqual(['sample'])
      try {
        await store.putObjectTags(bucket, objectKey, TAGS)
        return { headers, tags: TAGS }
      } catch (error) {
        if (hasCode(error, 'UNSUPPORTED')) return { headers, tags: undefined }
        throw error
      }
    }

    function rekeyed(
      place: { bucket: string; objectKey: string },
      options: { versioned: boolean; target?: { bucket: string; objectKey: string } },
    ): Promise<RekeyedObject> {
      const { target = place, versioned } = options
      const change = changeBy(them.me, { added: [them.carol.publicKey], removed: [them.bob.publicKey] })
      const given = { force: false, versioned, partSize: 5 * MIB }
      return rekeyObject(store, { source: place, target }, change, given)
    }

    async function expectChanged(
      place: { bucket: string; objectKey: string },
      plaintext: Buffer,
      { headers, tags }: Stored,
    ): Promise<void> {
      expect(await reads(store, place, them.carol, plaintext)).toBe(true)
      expect(await reads(store, place, them.bob, plaintext)).toBe(false)
      const { bucket, objectKey } = place
      expect(await store.headObject(bucket, objectKey)).toMatchObject({ headers })
      if (tags !== undefined) expect(await store.objectTags(bucket, objectKey)).toEqual(tags)
      expect(await collect(store.listMultipartUploads(bucket))).toEqual([])
    }

    it.each([
      ['small', small, 'rewritten'],
      ['large', large, 'copied'],
    ] as const)('a %s object gets its new readers in place', async (_, plaintext, way) => {
      const place = { bucket: await freshBucket(store), objectKey: KEY }
      const stored = await put(place.bucket, KEY, objects.get(plaintext)!)
      const result = await rekeyed(place, { versioned: false })
      expect(result.way).toBe(way)
      await expectChanged(place, plaintext, stored)
    })

    it('and in another bucket; a key with a percent sign too', async () => {
      const source = { bucket: await freshBucket(store), objectKey: 'run%2012/a' }
      const target = { bucket: await freshBucket(store), objectKey: 'run%2012/a' }
      const stored = await put(source.bucket, source.objectKey, objects.get(large)!)
      const result = await rekeyed(source, { versioned: false, target })
      expect(result.way).toBe('streamed')
      await expectChanged(target, large, stored)
      expect(await reads(store, source, them.bob, large)).toBe(true)
    })

    it('and the version before stays where versions are kept', async () => {
      const bucket = await freshBucket(store)
      const isKept = await store.enableVersioning(bucket).then(
        () => true,
        () => false,
      )
      if (!isKept) return
      for (const plaintext of [small, large]) {
        const stored = await put(bucket, KEY, objects.get(plaintext)!)
        const { versionId } = await store.headObject(bucket, KEY)
        const result = await rekeyed({ bucket, objectKey: KEY }, { versioned: true })
        expect(result.olderVersion).toBe(versionId)
        await expectChanged({ bucket, objectKey: KEY }, plaintext, stored)
        const { versionId: newest } = await store.headObject(bucket, KEY)
        expect(result.versionId).toBe(newest)
      }
    })
  })
}
