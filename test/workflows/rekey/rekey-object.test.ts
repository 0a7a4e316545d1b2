import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { collect, expectCode, read } from '../../conformance/steps.ts'
import { fault, faultyStore, type Calls } from '../../storage/faulty-store.ts'
import { BUCKET, KEY, largePlaintext, MIB, PLACE, rekeyScene, smallPlaintext } from './rekey-scene.ts'
import { changeBy, objectFor, reads } from './sealed-scene.ts'

const scene = rekeyScene()
const { stored, rekeyed, expectSwapped, expectUntouched } = scene
let { them, large, small, store, folder } = scene
beforeEach(() => {
  ;({ them, large, small, store, folder } = scene)
})

function counts(calls: Calls): Record<string, number> {
  return Object.fromEntries(Object.entries(calls).map(([name, made]) => [name, made.length]))
}

describe('a small object', () => {
  it('is rewritten by one request, with headers, tags and grants', async () => {
    await stored(small)
    let bytes = 0
    const result = await rekeyed({ onBytes: (count) => (bytes += count) })
    const object = await read(store, BUCKET, KEY)
    expect(result).toEqual({
      objectKey: KEY,
      size: small.length,
      etag: createHash('md5').update(object).digest('hex'),
      packetsBefore: 2,
      packetsAfter: 2,
      packetsDropped: 1,
      stillReadable: true,
      way: 'rewritten',
      parts: 1,
      sentBytes: object.length,
      receivedBytes: small.length,
      comparedBy: 'etag',
    })
    expect(bytes).toBe(object.length)
    await expectSwapped(smallPlaintext)
  })

  it('of its own owner alone costs four requests, and leaves nothing on this machine', async () => {
    await store.putObject(BUCKET, KEY, small)
    const { store: counted, calls } = faultyStore(store, {})
    const records = { folder, endpoint: 'https://a3s.fi' }
    // Who stores objects here is learned from the first one.
    await rekeyed({ at: counted, records, change: changeBy(them.me, { added: [them.carol.publicKey] }) })
    const before = counts(calls)
    await rekeyed({ at: counted, records, change: changeBy(them.me, { added: [them.dave.publicKey] }) })
    const made = Object.entries(counts(calls)).map(([name, count]) => [name, count - (before[name] ?? 0)])
    expect(Object.fromEntries(made.filter(([name, count]) => name !== 'provider' && count !== 0))).toEqual({
      getObject: 1,
      objectAcl: 1,
      headObject: 1,
      putObject: 1,
    })
    expect(await readdir(folder)).toEqual([])
  })

  it('without any plaintext, or of one whole segment, is an object like others', async () => {
    for (const length of [0, 1, 65_536, 65_537]) {
      const plaintext = randomBytes(length)
      await store.putObject(BUCKET, KEY, await objectFor(plaintext, [them.me, them.bob]))
      await rekeyed()
      expect(await reads(store, PLACE, them.carol, plaintext)).toBe(true)
    }
  })

  it('keeps an edit list for everybody', async () => {
    const object = await objectFor(smallPlaintext, [them.me], [100n, 50n])
    await store.putObject(BUCKET, KEY, object)
    await rekeyed({ change: changeBy(them.me, { added: [them.carol.publicKey] }) })
    expect(await reads(store, PLACE, them.carol, smallPlaintext.subarray(100, 150))).toBe(true)
  })
})

describe('a large object', () => {
  it('is copied by the server but for its beginning, and its parts end where segments end', async () => {
    await stored(large)
    const { store: counted, calls } = faultyStore(store, {})
    let bytes = 0
    const result = await rekeyed({ at: counted, onBytes: (count) => (bytes += count) })
    expect(result).toMatchObject({ way: 'copied', parts: 6, comparedBy: 'parts', size: large.length })
    expect(bytes).toBe(result.size)
    await expectSwapped(largePlaintext)
    expect(calls.putObject).toBeUndefined()
    expect(calls.uploadPart).toHaveLength(1)
    expect(calls.copyPart).toHaveLength(5)
    for (const [, , { range }] of calls.copyPart as [unknown, unknown, { range: { offset: number } }][]) {
      expect((range.offset - 16 - 2 * 108) % ENCRYPTED_SEGMENT_SIZE).toBe(0)
    }
    expect(result.sentBytes).toBeLessThan(5.1 * MIB)
    // The beginning, and two segments at each of five seams.
    expect(result.receivedBytes).toBeLessThan(6 * MIB)
  })

  it('may grow or shrink by its header', async () => {
    const { me, bob, carol, dave } = them
    await store.putObject(BUCKET, KEY, large)
    const grown = await rekeyed({ change: changeBy(me, { added: [carol.publicKey, dave.publicKey] }) })
    expect(grown.size).toBe(large.length + 2 * 108)
    expect(await reads(store, PLACE, dave, largePlaintext)).toBe(true)
    const alone = await rekeyed({ change: changeBy(me, { exactly: [me.publicKey], dropOthers: true }) })
    expect(alone.size).toBe(large.length - 108)
    expect(await reads(store, PLACE, me, largePlaintext)).toBe(true)
    expect(await reads(store, PLACE, bob, largePlaintext)).toBe(false)
  })

  it('with a header of thousands of packets is one as well', async () => {
    const { me, carol } = them
    const others = await Promise.all(Array.from({ length: 1200 }, () => generateKeyPair()))
    const plaintext = randomBytes(12 * MIB)
    await store.putObject(BUCKET, KEY, await objectFor(plaintext, [...others, me]))
    const change = changeBy(me, {
      removed: [others[0]!.publicKey],
      added: [carol.publicKey],
      dropOthers: true,
    })
    const result = await rekeyed({ change })
    expect(result).toMatchObject({ packetsBefore: 1201, packetsAfter: 2, packetsDropped: 1200 })
    expect(await reads(store, PLACE, carol, plaintext)).toBe(true)
  })

  it('passes through this machine where the server copies no parts, and is authenticated on the way', async () => {
    await stored(large, 'run%20/a')
    const source = { bucket: BUCKET, objectKey: 'run%20/a' }
    const result = await rekeyed({ source })
    expect(result).toMatchObject({ way: 'streamed', parts: 6, size: large.length })
    await expectSwapped(largePlaintext, source)

    await stored(large)
    const { store: refusing } = faultyStore(store, {
      copyPart: () => Promise.reject(fault('UploadPartCopy', 'ACCESS_DENIED', false)),
    })
    const records = { folder, endpoint: 'https://a3s.fi' }
    expect(await rekeyed({ at: refusing, records })).toMatchObject({ way: 'streamed' })
    await expectSwapped(largePlaintext)
    expect(await readdir(folder)).toEqual([])
    expect(await collect(store.listMultipartUploads(BUCKET))).toEqual([])

    const damaged = Buffer.from(large)
    damaged[20 * MIB]! ^= 1
    await store.putObject(BUCKET, 'run%20/b', damaged)
    const torn = { bucket: BUCKET, objectKey: 'run%20/b' }
    await expectCode(rekeyed({ source: torn }), 'AUTHENTICATION_FAILED')
    expect((await read(store, BUCKET, 'run%20/b')).equals(damaged)).toBe(true)
    expect(await collect(store.listMultipartUploads(BUCKET))).toEqual([])
  })
})

describe('another target', () => {
  const target = { bucket: BUCKET, objectKey: 'shared/reads.bam.c4gh' }

  it('gets the object with the new header, and the source stays', async () => {
    for (const [object, plaintext] of [
      [small, smallPlaintext],
      [large, largePlaintext],
    ] as const) {
      await stored(object)
      const result = await rekeyed({ target, force: true })
      expect(result).toMatchObject({ objectKey: KEY, target })
      await expectSwapped(plaintext, target)
      await expectUntouched(object)
      await expectCode(rekeyed({ target }), 'OBJECT_EXISTS')
    }
  })
})
