import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { HEADER_LIMITS } from '../../../src/crypto/crypt4gh/format.ts'
import { headerPacket, parseHeader, serializeHeader } from '../../../src/crypto/crypt4gh/header.ts'
import type { Header, HeaderPacket } from '../../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../../src/crypto/crypt4gh/open-header.ts'
import { packetKeyOfReader, packetKeyOfWriter } from '../../../src/crypto/crypt4gh/packet-key.ts'
import { packetKeysFor, sealHeader, sealPackets } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../../../src/crypto/crypt4gh/segment.ts'
import { fingerprint } from '../../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair, keyPairFromSecret } from '../../../src/crypto/keys/key-pair.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { readySodium } from '../../../src/crypto/sodium.ts'
import type { Sodium } from '../../../src/crypto/sodium.ts'
import { hex, index, unhex } from '../vectors.ts'

/** Points of low order on curve25519: X25519 with any of them gives zero. */
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(unhex)

let sodium: Sodium
let alice: KeyPair
let bob: KeyPair
let carol: KeyPair
beforeAll(async () => {
  sodium = await readySodium()
  ;[alice, bob, carol] = await Promise.all([generateKeyPair(), generateKeyPair(), generateKeyPair()])
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('known answers', () => {
  it.each(index.kat.filter(({ packet }) => packet !== undefined))(
    '$name: both sides get the key',
    async (answer) => {
      const writer = await keyPairFromSecret(unhex(answer.writer_sk))
      const reader = await keyPairFromSecret(unhex(answer.reader_sk))
      expect(hex(writer.publicKey)).toBe(answer.writer_pk)
      expect(hex(reader.publicKey)).toBe(answer.reader_pk)
      expect(hex(packetKeyOfWriter(sodium, writer, reader.publicKey))).toBe(answer.k_shared)
      expect(hex(packetKeyOfReader(sodium, reader, writer.publicKey)!)).toBe(answer.k_shared)
    },
  )

  it('the packets open', async () => {
    const [dataKey, editList] = index.kat.filter(({ packet }) => packet !== undefined)
    const packets = [dataKey!, editList!].map(({ packet }) => headerPacket(0, unhex(packet!).slice(8)))
    const opened = await openHeader(headerOf(packets), [await keyPairFromSecret(unhex(dataKey!.reader_sk))])
    expect(opened.dataKeys.map(hex)).toEqual([dataKey!.payload.slice(16)])
    expect(opened.editList).toEqual([0n, 7853n, 71_721n, 307_929n, 51_299n, 38n])
    expect(opened.senders.map(hex)).toEqual([dataKey!.writer_pk])
  })
})

describe('what is sealed opens', () => {
  it('for every recipient alone, with any number of data keys and any edit list', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.option(fc.array(fc.bigInt(0n, 2n ** 64n - 1n), { minLength: 1, maxLength: 20 }), {
          nil: undefined,
        }),
        async (dataKeyCount, editList) => {
          const dataKeys = Array.from({ length: dataKeyCount }, newDataKey)
          const header = await sealed({ dataKeys, editList }, [alice, bob, carol])
          for (const reader of [alice, bob, carol]) {
            const opened = await openHeader(header, [reader])
            expect(opened.dataKeys).toEqual(dataKeys)
            expect(opened.editList).toEqual(editList)
            expect(opened.senders).toHaveLength(1)
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  it('but for nobody else, and the refusal says what was tried', async () => {
    const header = await sealed({ dataKeys: [newDataKey()] }, [alice, bob])
    await expect(openHeader(header, [carol])).rejects.toMatchObject({
      code: 'NO_MATCHING_KEY',
      message: 'no identity opens this file (2 header packets)',
      hints: [`tried ${fingerprint(carol.publicKey)}`, expect.any(String)],
    })
    await expect(openHeader(header, [])).rejects.toMatchObject({ code: 'NO_MATCHING_KEY' })
  })

  it('when the right identity is the last of several', async () => {
    const dataKeys = [newDataKey()]
    const header = await sealed({ dataKeys }, [carol])
    expect((await openHeader(header, [alice, bob, carol])).dataKeys).toEqual(dataKeys)
    expect((await openHeader(header, [alice, bob, carol])).readers).toEqual([carol.publicKey])
    const twoPackets = await sealed({ dataKeys, editList: [1n] }, [alice, carol])
    const { readers } = await openHeader(twoPackets, [alice, bob, carol])
    expect(readers).toEqual([alice.publicKey, carol.publicKey])
  })

  it('one data key for two of our identities is one data key', async () => {
    const header = await sealed({ dataKeys: [newDataKey()] }, [alice, bob])
    expect((await openHeader(header, [alice, bob])).dataKeys).toHaveLength(1)
  })

  it('a recipient given twice gets one packet', async () => {
    expect((await sealed({ dataKeys: [newDataKey()] }, [bob, alice, bob])).packets).toHaveLength(2)
  })

  it('the sender is ephemeral, and a different one for every header, unless given', async () => {
    const contents = { dataKeys: [newDataKey()] }
    const [first, second] = await Promise.all([sealed(contents, [alice]), sealed(contents, [alice])])
    const senders = await Promise.all(
      [first, second].map(async (header) => (await openHeader(header, [alice])).senders),
    )
    expect(new Set(senders.flat().map(hex)).size).toBe(2)
    const signed = await openHeader(await sealed(contents, [alice], bob), [alice])
    expect(signed.senders).toEqual([bob.publicKey])
    expect(hex(bob.secretKey)).not.toBe('00'.repeat(32)) // only an ephemeral one is wiped
  })

  it('every packet has its own nonce, and a second header shares none', async () => {
    const contents = { dataKeys: [newDataKey(), newDataKey()], editList: [1n, 2n] }
    const both = [
      ...(await sealPackets(contents, [alice.publicKey, bob.publicKey], carol)),
      ...(await sealPackets(contents, [alice.publicKey, bob.publicKey], carol)),
    ]
    expect(both).toHaveLength(12)
    expect(new Set(both.map(({ body }) => hex(body.slice(32, 44)))).size).toBe(12)
  })

  it('an empty edit list is left out: it would say nothing, and some readers stumble over it', async () => {
    const header = await sealed({ dataKeys: [newDataKey()], editList: [] }, [alice])
    expect(header.packets).toHaveLength(1)
  })
})

describe('recipients that protect nothing are refused', () => {
  it.each(LOW_ORDER.map((key) => [hex(key), key] as const))('%s', async (_, key) => {
    const sealing = sealHeader({ dataKeys: [newDataKey()] }, [alice.publicKey, key])
    await expect(sealing).rejects.toMatchObject({ code: 'INVALID_KEY' })
  })

  it('as are keys of another length, none at all, and more than readers accept', async () => {
    const dataKeys = [newDataKey()]
    await expect(sealHeader({ dataKeys }, [new Uint8Array(31)])).rejects.toMatchObject({
      code: 'INVALID_KEY',
    })
    await expect(sealHeader({ dataKeys }, [])).rejects.toMatchObject({ code: 'USAGE' })
    const many = Array.from({ length: HEADER_LIMITS.packetCount + 1 }, (_, number) => {
      const key = new Uint8Array(32)
      new DataView(key.buffer).setUint32(0, number)
      return key
    })
    await expect(sealHeader({ dataKeys }, many)).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('secrets are wiped', () => {
  it('payloads, packet keys and the ephemeral secret key, when a header was sealed and when it was opened', async () => {
    const wipe = vi.spyOn(sodium, 'memzero')
    const fill = vi.spyOn(Uint8Array.prototype, 'fill')
    const header = await sealed({ dataKeys: [newDataKey()], editList: [1n] }, [alice, bob])
    const zeroed = fill.mock.contexts.filter((_, call) => fill.mock.calls[call]?.[0] === 0) as Uint8Array[]
    fill.mockRestore()
    const wiped = [...wipe.mock.calls.map(([bytes]) => bytes), ...zeroed]
    // Two payloads, two keys for each of two recipients (crypto_kx makes a pair), one secret key.
    expect(wiped.map(({ length }) => length).sort((a, b) => a - b)).toEqual([16, 32, 32, 32, 32, 32, 40])
    expect(wiped.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true)
    wipe.mockClear()
    await openHeader(header, [alice])
    expect(wipe.mock.calls.map(([bytes]) => bytes.length).sort((a, b) => a - b)).toEqual([16, 32, 32, 40])
  })

  it('packet keys that were agreed on before a recipient who has no usable key', async () => {
    const fill = vi.spyOn(Uint8Array.prototype, 'fill')
    const agreeing = packetKeysFor([alice.publicKey, LOW_ORDER[0]!], bob)
    await expect(agreeing).rejects.toMatchObject({ code: 'INVALID_KEY' })
    const zeroed = fill.mock.contexts.filter((_, call) => fill.mock.calls[call]?.[0] === 0) as Uint8Array[]
    fill.mockRestore()
    expect(zeroed.map(({ length }) => length)).toEqual([32])
  })

  it('but not the secret key of a sender who was given', async () => {
    const wipe = vi.spyOn(sodium, 'memzero')
    await sealed({ dataKeys: [newDataKey()] }, [alice], bob)
    expect(wipe.mock.calls.some(([bytes]) => bytes === bob.secretKey)).toBe(false)
  })
})

describe('headers that say nothing', () => {
  it('can not be made: no data key is a bug of the caller', async () => {
    await expect(sealHeader({ dataKeys: [] }, [alice.publicKey])).rejects.toBeInstanceOf(RangeError)
  })

  it('are told from those of others: a packet for us without a data key is named', async () => {
    const packets = await sealPackets({ dataKeys: [newDataKey()], editList: [1n] }, [alice.publicKey])
    await expect(openHeader(headerOf(packets.slice(1)), [alice])).rejects.toMatchObject({
      code: 'NO_MATCHING_KEY',
      message: 'the header has packets for us, but none with a data key',
    })
  })

  it('as many packets as readers accept can be sealed, data keys counted', async () => {
    const keys = Array.from({ length: 64 }, newDataKey)
    const recipients = Array.from({ length: 65 }, (_, number) =>
      Uint8Array.from({ length: 32 }, (__, at) => at + number),
    )
    const header = parseHeader(await sealHeader({ dataKeys: keys }, recipients.slice(0, 64)))
    expect('packets' in header && header.packets).toHaveLength(HEADER_LIMITS.packetCount)
    await expect(sealHeader({ dataKeys: keys }, recipients)).rejects.toThrow(
      '65 recipients need 4160 header packets, readers accept 4096',
    )
  })
})

describe('data keys for one reader', () => {
  const most = HEADER_LIMITS.dataKeys

  it('are as many as the limit, however often each is told', async () => {
    const dataKeys = Array.from({ length: most }, newDataKey)
    const packets = await sealPackets({ dataKeys }, [alice.publicKey])
    const opened = await openHeader(headerOf([...packets, ...packets]), [alice])
    expect(opened.dataKeys).toEqual(dataKeys)
  })

  it('are no more: each would be tried on every segment', async () => {
    const dataKeys = Array.from({ length: most + 1 }, newDataKey)
    const forAlice = await sealPackets({ dataKeys }, [alice.publicKey])
    const forBob = await sealPackets({ dataKeys: [dataKeys[0]!] }, [bob.publicKey])
    const header = headerOf([...forAlice, ...forBob])
    await expect(openHeader(header, [alice])).rejects.toMatchObject({
      code: 'INVALID_HEADER',
      message: `the header has more than ${most} data keys for us, no more are read`,
    })
    expect((await openHeader(header, [bob])).dataKeys).toEqual([dataKeys[0]])
  })
})

describe("packets that aren't for us are skipped", () => {
  it('with a writer key of low order, an unknown method, too short, or damaged', async () => {
    const dataKeys = [newDataKey()]
    const [ours] = await sealPackets({ dataKeys }, [alice.publicKey])
    const lowOrder = LOW_ORDER.map((key) =>
      headerPacket(0, Uint8Array.from([...key, ...ours!.body.slice(32)])),
    )
    const damaged = headerPacket(
      0,
      ours!.body.map((byte, index) => (index === 50 ? byte ^ 1 : byte)),
    )
    const others = [headerPacket(7, ours!.body), headerPacket(0, ours!.body.slice(0, 40)), damaged]
    const opened = await openHeader(headerOf([...lowOrder, ...others, ours!]), [alice])
    expect(opened.dataKeys).toEqual(dataKeys)
  })

  it('a thousand foreign packets of one writer cost one X25519 for each identity', async () => {
    const foreign = await sealPackets({ dataKeys: Array.from({ length: 1000 }, newDataKey) }, [
      carol.publicKey,
    ])
    const agreements = vi.spyOn(sodium, 'crypto_kx_client_session_keys')
    await expect(openHeader(headerOf(foreign), [alice, bob])).rejects.toMatchObject({
      code: 'NO_MATCHING_KEY',
    })
    expect(agreements).toHaveBeenCalledTimes(2)
  })
})

describe('edit lists of several readers', () => {
  const dataKeys = [newDataKey()]
  const forReader = (reader: KeyPair, editList: bigint[]): Promise<HeaderPacket[]> =>
    sealPackets({ dataKeys, editList }, [reader.publicKey])

  it('each reader has its own', async () => {
    const packets = [...(await forReader(alice, [1n, 5n])), ...(await forReader(bob, [9n, 2n]))]
    expect((await openHeader(headerOf(packets), [alice])).editList).toEqual([1n, 5n])
    expect((await openHeader(headerOf(packets), [bob])).editList).toEqual([9n, 2n])
  })

  it('the same one for two of our identities is no contradiction, two different ones are', async () => {
    const same = [...(await forReader(alice, [1n, 5n])), ...(await forReader(bob, [1n, 5n]))]
    expect((await openHeader(headerOf(same), [alice, bob])).editList).toEqual([1n, 5n])
    const different = [...(await forReader(alice, [1n, 5n])), ...(await forReader(bob, [9n, 2n]))]
    await expect(openHeader(headerOf(different), [alice, bob])).rejects.toThrow('several edit lists for us')
  })

  it('two for one reader are refused, even equal ones', async () => {
    const twice = [...(await forReader(alice, [1n, 5n])), ...(await forReader(alice, [1n, 5n]))]
    await expect(openHeader(headerOf(twice), [alice])).rejects.toMatchObject({ code: 'INVALID_HEADER' })
    expect((await openHeader(headerOf([...twice, ...(await forReader(bob, [3n]))]), [bob])).editList).toEqual(
      [3n],
    )
  })

  it('an identity given twice is one identity', async () => {
    const header = headerOf(await forReader(alice, [1n, 5n]))
    expect((await openHeader(header, [alice, alice])).editList).toEqual([1n, 5n])
  })
})

async function sealed(
  contents: Parameters<typeof sealHeader>[0],
  readers: KeyPair[],
  sender?: KeyPair,
): Promise<Header> {
  const recipients = readers.map(({ publicKey }) => publicKey)
  return parseHeader(await sealHeader(contents, recipients, sender)) as Header
}

function headerOf(packets: HeaderPacket[]): Header {
  return parseHeader(serializeHeader(packets)) as Header
}
