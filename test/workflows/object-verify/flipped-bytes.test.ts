/** Any byte of an object that is another one is found. */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { EXIT_CODES } from '../../../src/cli/exit-codes.ts'
import {
  DATA_KEY_PACKET_SIZE,
  HEADER_PREFIX_SIZE,
  SEGMENT_SIZE,
} from '../../../src/crypto/crypt4gh/format.ts'
import { plain } from '../../crypto/vectors.ts'
import { createScene, sealedForBoth, verify, type Scene } from './scene.ts'

const KEY = 'reads.bam.c4gh'

/** Where the packet of the other reader is, behind its length: its method, and what only that reader can open. */
const OTHERS = {
  start: HEADER_PREFIX_SIZE + DATA_KEY_PACKET_SIZE + 4,
  end: HEADER_PREFIX_SIZE + 2 * DATA_KEY_PACKET_SIZE,
}

const OBJECTS = [
  { title: 'a small object', size: 1000, numRuns: 200 },
  { title: 'an object of several segments', size: 3 * SEGMENT_SIZE + 777, numRuns: 100 },
  { title: 'an object that is fetched in ranges', size: 20 * SEGMENT_SIZE + 5, numRuns: 40 },
]

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})

describe.each(OBJECTS)('$title', ({ size, numRuns }) => {
  let object: Buffer
  let headerLength: number
  beforeAll(async () => {
    ;({ object, headerLength } = await sealedForBoth(plain(size), [scene.reader, scene.other]))
  })

  /** A position: in the header as often as behind it. */
  const position = () =>
    fc.oneof(
      fc.nat(headerLength - 1),
      fc.nat(object.length - 1),
      fc.integer({ min: object.length - 50, max: object.length - 1 }),
    )

  it('is whole as it is', async () => {
    await scene.put(KEY, object)
    for (const identities of [[], [scene.reader]]) {
      const { objects, failure } = await verify(scene, KEY, { identities })
      expect(objects).toMatchObject([{ outcome: 'whole', etag: 'matches', findings: [] }])
      expect(failure).toBeUndefined()
    }
  })

  it.each([{ who: 'without a key' }, { who: 'with one' }])(
    'that changed below the store is damaged, $who',
    async ({ who }) => {
      await scene.put(KEY, object)
      const { body } = scene.kept(KEY)
      const identities = who === 'with one' ? [scene.reader] : []
      await fc.assert(
        fc.asyncProperty(position(), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
          body[at]! ^= bits
          const { objects, failure } = await verify(scene, KEY, { identities })
          body[at]! ^= bits
          expect(objects[0]?.outcome).toBe('damaged')
          expect(failure === undefined ? 0 : EXIT_CODES[failure.code]).toBe(13)
        }),
        { numRuns },
      )
    },
  )

  it('that was stored anew is found with a key, but for packets of others', async () => {
    await fc.assert(
      fc.asyncProperty(position(), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const changed = Buffer.from(object)
        changed[at]! ^= bits
        await scene.put(KEY, changed)
        const { objects, failure } = await verify(scene, KEY, { identities: [scene.reader] })
        const isOthers = at >= OTHERS.start && at < OTHERS.end
        if (isOthers) {
          expect(objects[0]?.outcome).toBe('whole')
        } else {
          expect(['damaged', 'not-for-us', 'not-crypt4gh']).toContain(objects[0]?.outcome)
          expect(failure === undefined ? 0 : EXIT_CODES[failure.code]).toBeGreaterThanOrEqual(12)
        }
      }),
      { numRuns },
    )
  })
})

it('an object in parts is never whole with another byte, though nothing proves the damage without a key', async () => {
  const MIB = 1024 ** 2
  const { object } = await sealedForBoth(randomBytes(2.5 * MIB), [scene.reader])
  await scene.putInParts(KEY, object, [MIB, MIB, object.length - 2 * MIB])
  expect((await verify(scene, KEY)).objects).toMatchObject([{ outcome: 'whole', parts: 3 }])
  const { body } = scene.kept(KEY)
  await fc.assert(
    fc.asyncProperty(fc.nat(object.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
      body[at]! ^= bits
      const without = await verify(scene, KEY)
      const withKey = await verify(scene, KEY, { identities: [scene.reader] })
      body[at]! ^= bits
      expect(without.objects[0]?.outcome).not.toBe('whole')
      expect(without.failure).toBeDefined()
      expect(withKey.objects[0]?.outcome).not.toBe('whole')
    }),
    { numRuns: 30 },
  )
})

it('every byte of a header counts, one after the other', async () => {
  const { object, headerLength } = await sealedForBoth(plain(10), [scene.reader, scene.other])
  await scene.put(KEY, object)
  const { body } = scene.kept(KEY)
  for (let at = 0; at < headerLength; at += 1) {
    body[at]! ^= 1
    const { objects } = await verify(scene, KEY)
    body[at]! ^= 1
    expect(objects[0]?.outcome).toBe('damaged')
  }
})
