/** A copy that an earlier run placed and did not check passes for nothing until it was checked. */
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import type { Store } from '../../../src/storage/store.ts'
import { collect, expectCode } from '../../conformance/steps.ts'
import { fault, faultyStore } from '../../storage/faulty-store.ts'
import { BUCKET, KEY, largePlaintext, MIB, PLACE, rekeyScene } from './rekey-scene.ts'
import { changeBy, objectFor, reads } from './sealed-scene.ts'

const scene = rekeyScene()
const { stored, rekeyed, expectSwapped, expectUntouched } = scene
let { them, large, store } = scene
let records: { folder: string; endpoint: string }
beforeEach(() => {
  ;({ them, large, store } = scene)
  records = { folder: scene.folder, endpoint: 'https://a3s.fi' }
})

/** A server that copies part 3 from a segment before the one that was named. */
function shifting(faults: Partial<Store> = {}): Store {
  return faultyStore(store, {
    copyPart: (upload, partNumber, source, options) => {
      const { offset, length } = source.range!
      const range = partNumber === 3 ? { offset: offset - ENCRYPTED_SEGMENT_SIZE, length } : source.range
      return store.copyPart(upload, partNumber, { ...source, range }, options)
    },
    ...faults,
  }).store
}

/** Everything fails once the copy has taken its place, as for a run that is killed there. */
function killedWhenPlaced(): Partial<Store> {
  let isPlaced = false
  return {
    completeMultipartUpload: async (...args) => {
      const placed = await store.completeMultipartUpload(...args)
      isPlaced = true
      return placed
    },
    headObject: (...args) => {
      if (isPlaced) throw fault('HeadObject', 'STORE_FAILURE', false)
      return store.headObject(...args)
    },
  }
}

describe('a wrong copy', () => {
  it('is refused by every run, until another object is in its place', async () => {
    await stored(large)
    await expectCode(rekeyed({ at: shifting(), records }), 'INTEGRITY')
    await expectCode(rekeyed({ records }), 'INTEGRITY')
    const change = changeBy(them.me, { added: [them.dave.publicKey] })
    await expectCode(rekeyed({ records, change }), 'INTEGRITY')
    await expectCode(rekeyed({ records, force: true }), 'INTEGRITY')

    await stored(large)
    await rekeyed({ records })
    await expectSwapped(largePlaintext)
    expect(await readdir(records.folder)).toEqual([])
  })

  it('is found by the next run when the first was killed before it looked', async () => {
    await stored(large)
    await expectCode(rekeyed({ at: shifting(killedWhenPlaced()), records }), 'STORE_FAILURE')
    await expectCode(rekeyed({ records }), 'INTEGRITY')
  })

  it('is deleted again where versions are kept, and the good one never', async () => {
    await store.enableVersioning(BUCKET)
    await stored(large)
    const options = { versioned: true, deleteReplaced: true, records }
    await expectCode(rekeyed({ at: shifting(killedWhenPlaced()), ...options }), 'STORE_FAILURE')
    expect(await collect(store.listVersions(BUCKET))).toHaveLength(2)
    await expectCode(rekeyed(options), 'INTEGRITY')
    await expectUntouched(large)
    await rekeyed(options)
    await expectSwapped(largePlaintext)
    expect(await collect(store.listVersions(BUCKET))).toHaveLength(1)
  })

  it('is told as such to who may not delete versions, or see them', async () => {
    await store.enableVersioning(BUCKET)
    await stored(large)
    const noDeleting: Partial<Store> = {
      deleteVersion: () => Promise.reject(fault('DeleteObject', 'ACCESS_DENIED', false)),
    }
    const noListing: Partial<Store> = {
      listVersions: () => {
        throw fault('ListObjectVersions', 'ACCESS_DENIED', false)
      },
    }
    const options = { versioned: true, records }
    await expectCode(rekeyed({ at: shifting(noDeleting), ...options }), 'INTEGRITY')
    for (const faults of [noDeleting, noListing]) {
      await expectCode(rekeyed({ at: faultyStore(store, faults).store, ...options }), 'INTEGRITY')
    }
    await expectCode(rekeyed(options), 'INTEGRITY')
    await expectUntouched(large)
  })

  it('elsewhere is refused, or made again with force', async () => {
    await stored(large)
    const target = { bucket: BUCKET, objectKey: 'shared/reads.bam.c4gh' }
    await expectCode(rekeyed({ at: shifting(), target, records }), 'INTEGRITY')
    await expectCode(rekeyed({ target, records }), 'INTEGRITY')
    await rekeyed({ target, records, force: true })
    await expectSwapped(largePlaintext, target)
  })
})

describe('a right copy that nobody looked at', () => {
  it('is looked at by the next run, and not made again', async () => {
    await stored(large)
    const { store: killing } = faultyStore(store, killedWhenPlaced())
    await expectCode(rekeyed({ at: killing, records }), 'STORE_FAILURE')
    const { store: watched, calls } = faultyStore(store, {})
    expect(await rekeyed({ at: watched, records })).toMatchObject({ way: 'copied', parts: 6 })
    // The beginning and five seams, and the end.
    expect(calls.getObject).toHaveLength(7)
    expect(calls.createMultipartUpload).toBeUndefined()
    await expectSwapped(largePlaintext)
    expect(await readdir(records.folder)).toEqual([])
  })

  it('also by who does not read it any more; somebody else is told', async () => {
    await stored(large)
    const { me, bob, carol, dave } = them
    const change = changeBy(me, { exactly: [carol.publicKey, bob.publicKey] })
    const { store: killing } = faultyStore(store, killedWhenPlaced())
    await expectCode(rekeyed({ at: killing, records, change }), 'STORE_FAILURE')
    const other = changeBy(dave, { added: [dave.publicKey] })
    await expectCode(rekeyed({ records, change: other }), 'NO_MATCHING_KEY')
    expect(await rekeyed({ records, change })).toMatchObject({ stillReadable: false, way: 'copied' })
    expect(await reads(store, PLACE, carol, largePlaintext)).toBe(true)
    expect(await reads(store, PLACE, me, largePlaintext)).toBe(false)
  })

  it('is not the copy of what was delivered since', async () => {
    await stored(large)
    const target = { bucket: BUCKET, objectKey: 'shared/reads.bam.c4gh' }
    const { store: killing } = faultyStore(store, killedWhenPlaced())
    await expectCode(rekeyed({ at: killing, target, records }), 'STORE_FAILURE')
    const newer = randomBytes(11 * MIB)
    await stored(await objectFor(newer, [them.me, them.bob]), KEY)
    await expectCode(rekeyed({ target, records }), 'OBJECT_EXISTS')
    await rekeyed({ target, records, force: true })
    await expectSwapped(newer, target)
  })
})
