/** A writer may put a packet into a header that is for us and holds another object's data key: nobody is given that. */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { parseHeader, type Header } from '../../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../../src/crypto/crypt4gh/open-header.ts'
import { sealHeader } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey, sealSegments } from '../../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../../../src/crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { spreadOver } from '../../../src/workflows/rekey/open-beginning.ts'
import { planRekey, type PlannedRekey } from '../../../src/workflows/rekey/planned-rekey.ts'
import { expectCode, read } from '../../conformance/steps.ts'
import { BUCKET, KEY, MIB, PLACE, rekeyScene } from './rekey-scene.ts'
import { changeBy, openedBy } from './sealed-scene.ts'

const scene = rekeyScene()
const { rekeyed, expectUntouched } = scene
let { them, store } = scene
beforeEach(() => {
  ;({ them, store } = scene)
})

/** An object for us with these data keys in its header; the second one seals the segments `from` to `to`. */
async function stored(
  plaintext: Uint8Array,
  dataKeys: Uint8Array[],
  [from, to]: readonly [number, number] = [0, 0],
): Promise<Buffer> {
  const body = new Uint8Array(encryptedBodySize(plaintext.length))
  for (let number = 0; number * SEGMENT_SIZE < plaintext.length; number += 1) {
    const dataKey = dataKeys[number >= from && number < to ? 1 : 0]!
    const segment = plaintext.subarray(number * SEGMENT_SIZE, (number + 1) * SEGMENT_SIZE)
    sealSegments(dataKey, segment, body.subarray(number * ENCRYPTED_SEGMENT_SIZE))
  }
  const object = Buffer.concat([await sealHeader({ dataKeys }, [them.me.publicKey]), body])
  await store.putObject(BUCKET, KEY, object)
  return object
}

const addingCarol = () => changeBy(them.me, { added: [them.carol.publicKey] })

async function planned(): Promise<PlannedRekey> {
  const { size, etag } = await store.headObject(BUCKET, KEY)
  const object = { source: PLACE, target: PLACE, size, etag }
  return planRekey(store, object, addingCarol(), { deep: false })
}

async function dataKeysOf(reader: KeyPair): Promise<string[]> {
  const { dataKeys } = await openHeader(parseHeader(await read(store, BUCKET, KEY)) as Header, [reader])
  return dataKeys.map((dataKey) => Buffer.from(dataKey).toString('hex'))
}
const hexOf = (...keys: Uint8Array[]): string[] => keys.map((key) => Buffer.from(key).toString('hex'))

describe('a data key that opens nothing of the object', () => {
  it('is dropped where the whole body was seen', async () => {
    const plaintext = randomBytes(200_000)
    const [own, foreign] = [newDataKey(), newDataKey()]
    await stored(plaintext, [own, foreign])
    const plan = await planned()
    const result = await rekeyed({ change: addingCarol() })
    expect(result).toMatchObject({ packetsBefore: 2, packetsAfter: 2 })
    expect(plan).toMatchObject({ packetsBefore: 2, packetsAfter: 2 })
    for (const reader of [them.carol, them.me]) expect(await dataKeysOf(reader)).toEqual(hexOf(own))
    expect((await openedBy(await read(store, BUCKET, KEY), them.carol))?.equals(plaintext)).toBe(true)
  })

  it('keeps a large object as it is, and --dry-run tells', async () => {
    const object = await stored(randomBytes(12 * MIB), [newDataKey(), newDataKey()])
    await expect(planned()).rejects.toMatchObject({ code: 'INVALID_HEADER' })
    await expect(rekeyed({ change: addingCarol() })).rejects.toMatchObject({
      code: 'INVALID_HEADER',
      message: expect.stringMatching(/s3:\/\/.*1 of its 2 data keys opens nothing/) as string,
      hints: [expect.stringContaining('--deep') as string],
    })
    await expectUntouched(object)
  })

  it('is the only one of an empty object: readers get a fresh one', async () => {
    const foreign = newDataKey()
    await stored(new Uint8Array(), [foreign])
    await rekeyed({ change: addingCarol() })
    expect(await dataKeysOf(them.carol)).not.toEqual(hexOf(foreign))
    expect(await dataKeysOf(them.carol)).toEqual(await dataKeysOf(them.me))
    expect(await openedBy(await read(store, BUCKET, KEY), them.carol)).toHaveLength(0)
  })
})

describe('a second data key of a large object stays', () => {
  it.each([
    ['of the end', [120, 192]],
    ['of its last segment alone', [191, 192]],
    ['of a piece in the middle', [130, 145]],
  ] as const)('%s', async (_, piece) => {
    const plaintext = randomBytes(12 * MIB)
    const dataKeys = [newDataKey(), newDataKey()]
    await stored(plaintext, dataKeys, piece)
    expect(await planned()).toMatchObject({ packetsAfter: 4 })
    expect(await rekeyed({ change: addingCarol() })).toMatchObject({ packetsAfter: 4 })
    expect(await dataKeysOf(them.carol)).toEqual(hexOf(...dataKeys))
    expect((await openedBy(await read(store, BUCKET, KEY), them.carol))?.equals(plaintext)).toBe(true)
  })

  it('unless a segment that was looked at is damaged', async () => {
    const object = await stored(randomBytes(12 * MIB), [newDataKey(), newDataKey()], [130, 145])
    object[object.length - 1]! ^= 1
    await store.putObject(BUCKET, KEY, object)
    await expectCode(rekeyed({ change: addingCarol() }), 'AUTHENTICATION_FAILED')
  })
})

it('segments that are looked at lie spread: each once, the last one first, no gap after sixteen over a fifteenth', () => {
  fc.assert(
    fc.property(fc.nat(300), fc.nat(2000), (from, length) => {
      const places = [...spreadOver(from, from + length)]
      expect([...places].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, n) => from + n))
      if (length === 0) return
      expect(places[0]).toBe(from + length - 1)
      const looked = [from - 1, ...places.slice(0, 16)].sort((a, b) => a - b)
      const gaps = looked.slice(1).map((place, index) => place - looked[index]! - 1)
      expect(Math.max(...gaps)).toBeLessThanOrEqual(Math.ceil(length / 15))
    }),
  )
})
