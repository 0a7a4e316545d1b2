import { describe, expect, it } from 'vitest'
import { examineHeader } from '../../../src/crypto/crypt4gh/examine-header.ts'
import { HEADER_METHOD_X25519_CHACHA20, KEY_SIZE, NONCE_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { headerPacket, parseHeader, type Header } from '../../../src/crypto/crypt4gh/header.ts'
import { serializeDataKey, serializeEditList } from '../../../src/crypto/crypt4gh/header-payload.ts'
import { packetKeyOfWriter } from '../../../src/crypto/crypt4gh/packet-key.ts'
import { sealHeader } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { generateKeyPair, type KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { readySodium } from '../../../src/crypto/sodium.ts'
import { identityOf, readVector } from '../vectors.ts'

async function parsed(bytes: Uint8Array | Promise<Uint8Array>): Promise<Header> {
  return parseHeader(await bytes) as Header
}

/** A packet with a nonce of our choice, as a faulty writer makes it. */
async function packetWithNonce(writer: KeyPair, reader: KeyPair, payload: Uint8Array, nonce: Uint8Array) {
  const sodium = await readySodium()
  const packetKey = packetKeyOfWriter(sodium, writer, reader.publicKey)
  const sealed = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(payload, null, null, nonce, packetKey)
  return headerPacket(HEADER_METHOD_X25519_CHACHA20, Buffer.concat([writer.publicKey, nonce, sealed]))
}

const dataKey = new Uint8Array(KEY_SIZE).fill(7)

describe('a header from outside', () => {
  it('shows packets and senders, and not whom they are for', async () => {
    const header = await parsed(readVector('files/py-reencrypt.c4gh'))
    const { packets, dataKeyCount, nonceReuse } = await examineHeader(header, [], [])
    expect(packets).toHaveLength(header.packets.length)
    for (const packet of packets) {
      expect(packet).toMatchObject({ length: 108, readerPublicKey: undefined, contents: undefined })
      expect(packet.writerPublicKey).toHaveLength(32)
    }
    expect({ dataKeyCount, nonceReuse }).toEqual({ dataKeyCount: 0, nonceReuse: [] })
  })

  it('shows a reader which packets are hers and what they hold', async () => {
    const alice = await identityOf('alice')
    const { packets, dataKeyCount } = await examineHeader(
      await parsed(readVector('files/edit-before-key.c4gh')),
      [alice],
      [],
    )
    expect(packets.map(({ contents }) => contents)).toEqual([{ editList: [3n, 7n] }, { dataKeyNumber: 0 }])
    expect(packets.map(({ readerPublicKey }) => readerPublicKey)).toEqual([alice.publicKey, alice.publicKey])
    expect(dataKeyCount).toBe(1)
  })

  it('counts data keys by value and names packets that cannot be used', async () => {
    const alice = await identityOf('alice')
    const two = await examineHeader(await parsed(readVector('files/two-data-keys.c4gh')), [alice], [])
    expect(two.packets.map(({ contents }) => contents)).toEqual([{ dataKeyNumber: 0 }, { dataKeyNumber: 1 }])
    const odd = await examineHeader(await parsed(readVector('files/unknown-packet-type.c4gh')), [alice], [])
    expect(odd.packets.some(({ contents }) => contents !== undefined && 'unusable' in contents)).toBe(true)
  })

  it('shows its sender whom each packet is for', async () => {
    const [sender, first, second, stranger] = await Promise.all(Array.from({ length: 4 }, generateKeyPair))
    const readers = [first!.publicKey, second!.publicKey]
    const header = await parsed(sealHeader({ dataKeys: [dataKey] }, readers, sender))
    const { packets } = await examineHeader(header, [sender!], [stranger!.publicKey, ...readers])
    expect(packets.map(({ readerPublicKey }) => readerPublicKey)).toEqual(readers)
    const ephemeral = await parsed(sealHeader({ dataKeys: [dataKey] }, readers))
    const untold = await examineHeader(ephemeral, [sender!], readers)
    expect(untold.packets.map(({ readerPublicKey }) => readerPublicKey)).toEqual([undefined, undefined])
  })
})

describe('a nonce that two packets of one sender share', async () => {
  const [writer, alice, bob] = (await Promise.all(Array.from({ length: 3 }, generateKeyPair))) as [
    KeyPair,
    KeyPair,
    KeyPair,
  ]
  const nonce = new Uint8Array(NONCE_SIZE).fill(1)
  const key = serializeDataKey(dataKey)
  const list = serializeEditList([0n, 10n])
  const forAlice = await packetWithNonce(writer, alice, key, nonce)
  const listForAlice = await packetWithNonce(writer, alice, list, nonce)
  const forBob = await packetWithNonce(writer, bob, key, nonce)
  const reuse = async (packets: Header['packets'], identities: KeyPair[]) =>
    (await examineHeader({ packets, length: 0 }, identities, [])).nonceReuse

  it('is reported without a key, as possible', async () => {
    expect(await reuse([forAlice, listForAlice], [])).toEqual([{ packets: [0, 1], proof: 'unknown-reader' }])
    expect(await reuse([forAlice, forBob], [])).toHaveLength(1)
  })

  it('is proven by the reader of both', async () => {
    expect(await reuse([forAlice, listForAlice], [alice])).toEqual([
      { packets: [0, 1], proof: 'same-reader' },
    ])
  })

  it('is harmless for different readers, which a reader of one can tell', async () => {
    expect(await reuse([forAlice, forBob], [alice])).toEqual([])
    expect(await reuse([forAlice, forBob], [alice, bob])).toEqual([])
  })

  it('is harmless in a packet that stands there twice', async () => {
    expect(await reuse([forAlice, forAlice], [alice])).toEqual([])
  })
})
