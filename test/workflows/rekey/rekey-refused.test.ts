import { beforeEach, describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { collect, expectCode } from '../../conformance/steps.ts'
import { faultyStore } from '../../storage/faulty-store.ts'
import { BUCKET, KEY, MIB, rekeyScene, smallPlaintext } from './rekey-scene.ts'
import { changeBy, objectFor, openedBy } from './sealed-scene.ts'

const scene = rekeyScene()
const { stored, rekeyed, expectUntouched } = scene
let { them, large, small, store, folder } = scene
beforeEach(() => {
  ;({ them, large, small, store, folder } = scene)
})

describe('what is wrong with the object', () => {
  it('ends it before anything is written', async () => {
    const damaged = Buffer.from(large)
    damaged[MIB]! ^= 1
    const cases = [
      [Buffer.alloc(0), 'NOT_CRYPT4GH'],
      [Buffer.from('plain'), 'NOT_CRYPT4GH'],
      [large.subarray(0, 100), 'INVALID_HEADER'],
      [small.subarray(0, -1), 'AUTHENTICATION_FAILED'],
      [damaged, 'AUTHENTICATION_FAILED'],
      [await objectFor(smallPlaintext, [them.bob]), 'NO_MATCHING_KEY'],
    ] as const
    for (const [object, code] of cases) {
      await store.putObject(BUCKET, KEY, object)
      await expect(rekeyed()).rejects.toMatchObject({ code, message: expect.stringContaining(KEY) as string })
      await expectUntouched(object)
    }
  })

  it('is told when it is another object meanwhile, and nothing is replaced', async () => {
    const other = await objectFor(smallPlaintext, [them.dave])
    for (const [object, operation] of [
      [small, 'objectAcl'],
      [large, 'copyPart'],
      [large, 'objectAcl'],
    ] as const) {
      await store.putObject(BUCKET, KEY, object)
      const { store: racing } = faultyStore(store, {
        [operation]: async (...args: never[]) => {
          await store.putObject(BUCKET, KEY, other)
          return (store[operation] as (...given: never[]) => unknown)(...args)
        },
      })
      await expectCode(rekeyed({ at: racing, records: { folder, endpoint: 'e' } }), 'OBJECT_CHANGED')
      await expectUntouched(other)
      expect(await rekeyedAgain(other)).toBe(true)
    }
  })

  /** Nothing that was written down keeps a later run from its work. */
  async function rekeyedAgain(object: Buffer): Promise<boolean> {
    const change = changeBy(them.dave, { added: [them.carol.publicKey] })
    await rekeyed({ change, records: { folder, endpoint: 'e' } })
    return (await openedBy(object, them.dave))?.equals(smallPlaintext) ?? false
  }
})

describe('a server that copies something else', () => {
  const shifted = (by: number) =>
    faultyStore(store, {
      copyPart: (upload, partNumber, source, options) => {
        const { offset, length } = source.range!
        const range = partNumber === 3 ? { offset: offset - by, length } : source.range
        return store.copyPart(upload, partNumber, { ...source, range }, options)
      },
    }).store

  it.each([1, ENCRYPTED_SEGMENT_SIZE])('is found out, %i bytes beside', async (by) => {
    await stored(large)
    await expectCode(rekeyed({ at: shifted(by) }), 'INTEGRITY')
  })

  it('gets its wrong version deleted again where versions are kept', async () => {
    await store.enableVersioning(BUCKET)
    await stored(large)
    await expectCode(rekeyed({ at: shifted(ENCRYPTED_SEGMENT_SIZE), versioned: true }), 'INTEGRITY')
    await expectUntouched(large)
    expect(await collect(store.listVersions(BUCKET))).toHaveLength(1)
  })
})

describe('where versions are kept', () => {
  beforeEach(() => store.enableVersioning(BUCKET))

  it('the version before stays with the old header, and is named; or is deleted when that was asked for', async () => {
    for (const object of [small, large]) {
      await stored(object)
      const { versionId } = await store.headObject(BUCKET, KEY)
      const result = await rekeyed({ versioned: true })
      expect(result.olderVersion).toBe(versionId)
      expect(result.versionId).toBe((await store.headObject(BUCKET, KEY)).versionId)
      const change = changeBy(them.me, { added: [them.dave.publicKey] })
      const again = await rekeyed({ versioned: true, deleteReplaced: true, change })
      expect(again.olderVersion).toBeUndefined()
      const left = (await collect(store.listVersions(BUCKET))).map((version) => version.versionId)
      expect(left.slice(0, 2)).toEqual([again.versionId, versionId])
    }
  })

  it('what somebody stored in the last moment is not hidden', async () => {
    const other = await objectFor(smallPlaintext, [them.dave])
    for (const [object, operation] of [
      [small, 'putObject'],
      [large, 'completeMultipartUpload'],
    ] as const) {
      await stored(object)
      const { store: racing } = faultyStore(store, {
        [operation]: async (...args: never[]) => {
          await store.putObject(BUCKET, KEY, other)
          return (store[operation] as (...given: never[]) => unknown)(...args)
        },
      })
      await expectCode(rekeyed({ at: racing, versioned: true }), 'OBJECT_CHANGED')
      await expectUntouched(other)
    }
  })
})
