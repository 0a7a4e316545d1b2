import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseDetachedHeader, type Header } from '../../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../../src/crypto/crypt4gh/open-header.ts'
import { sealHeader } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../../../src/crypto/crypt4gh/segment.ts'
import { generateKeyPair, type KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { hasCode } from '../../../src/util/errors.ts'
import {
  changedHeader,
  type ChangedHeader,
  type ReaderChange,
} from '../../../src/workflows/rekey/reader-change.ts'
import { changeBy, people, type People } from './sealed-scene.ts'

let them: People
beforeAll(async () => {
  them = await people()
})

const keysOf = (...pairs: KeyPair[]): Uint8Array[] => pairs.map(({ publicKey }) => publicKey)

async function headerFor(
  readers: readonly KeyPair[],
  contents: { dataKeys?: Uint8Array[]; editList?: readonly bigint[] } = {},
): Promise<Header> {
  const { dataKeys = [newDataKey()], editList } = contents
  return parseDetachedHeader(await sealHeader({ dataKeys, editList }, keysOf(...readers)))
}

async function changed(header: Header, change: ReaderChange): Promise<ChangedHeader> {
  return changedHeader(header, await openHeader(header, change.identities), change)
}

async function opens({ bytes }: ChangedHeader, reader: KeyPair): Promise<boolean> {
  try {
    await openHeader(parseDetachedHeader(bytes), [reader])
    return true
  } catch (error) {
    if (hasCode(error, 'NO_MATCHING_KEY')) return false
    throw error
  }
}

describe('adding', () => {
  it('keeps everybody, the packets of others byte by byte', async () => {
    const { me, bob, carol } = them
    const header = await headerFor([me, bob])
    const after = await changed(header, changeBy(me, { added: keysOf(carol, me) }))
    expect(after).toMatchObject({ packets: 3, dropped: 0, stillReadable: true })
    for (const reader of [me, bob, carol]) expect(await opens(after, reader)).toBe(true)
    expect(parseDetachedHeader(after.bytes).packets).toContainEqual(header.packets[1])
  })

  it('gives a new reader every data key and the edit list', async () => {
    const { me, carol } = them
    const dataKeys = [newDataKey(), newDataKey()]
    const header = await headerFor([me], { dataKeys, editList: [3n, 5n] })
    const after = await changed(header, changeBy(me, { added: keysOf(carol) }))
    expect(after.packets).toBe(6)
    const opened = await openHeader(parseDetachedHeader(after.bytes), [carol])
    expect(opened.dataKeys).toEqual(dataKeys)
    expect(opened.editList).toEqual([3n, 5n])
  })
})

describe('removing', () => {
  it('drops the packets that can’t be opened, when who is named accounts for them', async () => {
    const { me, bob, carol } = them
    const after = await changed(
      await headerFor([me, bob, carol]),
      changeBy(me, { removed: keysOf(bob), added: keysOf(carol) }),
    )
    expect(after).toMatchObject({ packets: 2, dropped: 2, stillReadable: true })
    expect(await opens(after, bob)).toBe(false)
    expect(await opens(after, carol)).toBe(true)
  })

  it('takes nobody’s access away who was not named, unless that was asked for', async () => {
    const { me, bob, carol, dave } = them
    const header = await headerFor([me, bob, carol, dave])
    const change = changeBy(me, { removed: keysOf(bob), added: keysOf(carol) })
    await expect(changed(header, change)).rejects.toMatchObject({ code: 'UNNAMED_READERS' })
    const after = await changed(header, { ...change, dropOthers: true })
    expect(after).toMatchObject({ packets: 2, dropped: 3 })
    expect(await opens(after, dave)).toBe(false)
  })

  it('counts the packets of a reader by our own', async () => {
    const { me, bob, carol } = them
    const contents = { dataKeys: [newDataKey(), newDataKey()], editList: [1n, 2n] }
    const after = await changed(await headerFor([me, bob], contents), changeBy(me, { removed: keysOf(bob) }))
    expect(after).toMatchObject({ packets: 3, dropped: 3 })
    const three = await headerFor([me, bob, carol], contents)
    await expect(changed(three, changeBy(me, { removed: keysOf(bob) }))).rejects.toMatchObject({
      code: 'UNNAMED_READERS',
      message: expect.stringMatching(/^6 of its 9 header packets .* 1 who was not named/) as string,
    })
  })

  it('of an own key leaves the others as they are', async () => {
    const { me, bob } = them
    const after = await changed(await headerFor([me, bob]), changeBy(me, { removed: keysOf(me) }))
    expect(after).toMatchObject({ packets: 1, dropped: 0, stillReadable: false })
    expect(await opens(after, bob)).toBe(true)
    expect(await opens(after, me)).toBe(false)
  })

  it('of everybody is refused, and so is a key that is added and removed', async () => {
    const { me, bob } = them
    const alone = await headerFor([me])
    await expect(changed(alone, changeBy(me, { removed: keysOf(me) }))).rejects.toMatchObject({
      code: 'USAGE',
    })
    const both = { removed: keysOf(bob), added: keysOf(bob) }
    await expect(changed(alone, changeBy(me, both))).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('naming everybody', () => {
  it('leaves exactly those, each once', async () => {
    const { me, bob, carol } = them
    const header = await headerFor([me, bob])
    const after = await changed(header, changeBy(me, { exactly: keysOf(bob, carol, bob) }))
    expect(after).toMatchObject({ packets: 2, dropped: 1, stillReadable: false })
    expect(await Promise.all([me, bob, carol].map((reader) => opens(after, reader)))).toEqual([
      false,
      true,
      true,
    ])
  })

  it('asks about more packets than were named', async () => {
    const { me, bob, carol, dave } = them
    const header = await headerFor([me, bob, carol])
    const change = changeBy(me, { exactly: keysOf(me, dave) })
    await expect(changed(header, change)).rejects.toMatchObject({ code: 'UNNAMED_READERS' })
    expect(await changed(header, { ...change, dropOthers: true })).toMatchObject({ packets: 2, dropped: 2 })
  })
})

it('whoever is named reads it afterwards, who is removed does not, and nobody else loses access unasked', async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => generateKeyPair()))
  const some = fc.subarray([...all.keys()])
  const pick = (indices: readonly number[]): KeyPair[] => indices.map((index) => all[index]!)
  await fc.assert(
    fc.asyncProperty(some, some, some, fc.boolean(), async (before, added, removed, dropOthers) => {
      const me = all[0]!
      const readers = [...new Set([0, ...before])]
      const change = changeBy(me, {
        added: keysOf(...pick(added)),
        removed: keysOf(...pick(removed)),
        dropOthers,
      })
      const header = await headerFor(pick(readers))
      let after: ChangedHeader
      try {
        after = await changed(header, change)
      } catch (error) {
        expect(hasCode(error, 'USAGE', 'UNNAMED_READERS')).toBe(true)
        return
      }
      const open = await Promise.all(all.map((reader) => opens(after, reader)))
      for (const index of added) expect(open[index]).toBe(true)
      for (const index of removed) expect(open[index]).toBe(false)
      expect(after.stillReadable).toBe(open[0])
      const foreign = readers.filter((index) => index !== 0).length
      const isLoss = readers.some((index) => open[index] === false && !removed.includes(index))
      if (isLoss) expect(after.dropped).toBe(foreign)
      if (!dropOthers && removed.every((index) => index === 0)) expect(isLoss).toBe(false)
    }),
    { numRuns: 60 },
  )
})
