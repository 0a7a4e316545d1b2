import { beforeAll, describe, expect, it } from 'vitest'
import { decryptStream } from '../../../src/crypto/crypt4gh/crypt4gh.ts'
import { SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { parseHeader, serializeHeader } from '../../../src/crypto/crypt4gh/header.ts'
import type { Header } from '../../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../../src/crypto/crypt4gh/open-header.ts'
import { reencryptHeader } from '../../../src/crypto/crypt4gh/reencrypt.ts'
import { sealPackets } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../../../src/crypto/crypt4gh/segment.ts'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { chunked, collect, concat, hex, plain } from '../vectors.ts'
import { edited, sealedFile } from './sealed-files.ts'

const STORED = plain(3 * SEGMENT_SIZE + 9)
const EDIT_LIST = [5n, 100_000n, 10n]

let alice: KeyPair
let bob: KeyPair
let carol: KeyPair
beforeAll(async () => {
  alice = await generateKeyPair()
  bob = await generateKeyPair()
  carol = await generateKeyPair()
})

describe('reencrypting a header', () => {
  it('brings every data key and our edit list to the new recipients, under the same body', async () => {
    const { header, body } = await sealedFile(STORED, [alice], 2, EDIT_LIST)
    const renewed = await reencryptHeader(parsed(header), [alice], [bob.publicKey, carol.publicKey], {
      keepUnopened: false,
    })
    expect(parsed(renewed).packets).toHaveLength(6)
    for (const reader of [bob, carol]) {
      const opened = await collect(decryptStream(chunked(concat(renewed, body)), [reader]))
      expect(Buffer.compare(opened, edited(STORED, EDIT_LIST))).toBe(0)
    }
  })

  it('drops the reader who did it unless among the recipients', async () => {
    const { header } = await sealedFile(STORED, [alice])
    const renewed = await reencryptHeader(parsed(header), [alice], [bob.publicKey], { keepUnopened: true })
    await expect(openHeader(parsed(renewed), [alice])).rejects.toMatchObject({ code: 'NO_MATCHING_KEY' })
  })

  it('drops or keeps the packets of others, as it is told', async () => {
    const { header, body } = await sealedFile(STORED, [alice, carol])
    const unknown = { headerEncryptionMethod: 7, body: new Uint8Array(9), writerPublicKey: undefined }
    const mixed = parsed(serializeHeader([...parsed(header).packets, unknown]))
    const dropped = await reencryptHeader(mixed, [alice], [bob.publicKey], { keepUnopened: false })
    expect(parsed(dropped).packets).toHaveLength(1)
    const kept = await reencryptHeader(mixed, [alice], [bob.publicKey], { keepUnopened: true })
    expect(parsed(kept).packets.map(({ headerEncryptionMethod }) => headerEncryptionMethod)).toEqual([
      0, 0, 7,
    ])
    const opened = await collect(decryptStream(chunked(concat(kept, body)), [carol]))
    expect(Buffer.compare(opened, STORED)).toBe(0)
  })

  it('leaves to others the edit list that they were given', async () => {
    const dataKeys = [newDataKey()]
    const packets = [
      ...(await sealPackets({ dataKeys, editList: [0n, 10n] }, [alice.publicKey])),
      ...(await sealPackets({ dataKeys, editList: [0n, 20n] }, [carol.publicKey])),
    ]
    const header = parsed(serializeHeader(packets))
    const renewed = await reencryptHeader(header, [alice], [bob.publicKey], { keepUnopened: true })
    expect((await openHeader(parsed(renewed), [bob])).editList).toEqual([0n, 10n])
    expect((await openHeader(parsed(renewed), [carol])).editList).toEqual([0n, 20n])
  })

  it('is written by the sender that was chosen, else by nobody known', async () => {
    const { header } = await sealedFile(STORED, [alice])
    const sealedBy = async (sender?: KeyPair): Promise<string[]> => {
      const options = { keepUnopened: false, sender }
      const renewed = await reencryptHeader(parsed(header), [alice], [bob.publicKey], options)
      return (await openHeader(parsed(renewed), [bob])).senders.map(hex)
    }
    expect(await sealedBy(carol)).toEqual([hex(carol.publicKey)])
    expect(await sealedBy()).not.toEqual(await sealedBy())
  })

  it('fails without an identity that opens it, without recipients, and for a weak key', async () => {
    const { header } = await sealedFile(STORED, [alice])
    const attempt = (identity: KeyPair, recipients: Uint8Array[]) =>
      reencryptHeader(parsed(header), [identity], recipients, { keepUnopened: true })
    await expect(attempt(bob, [bob.publicKey])).rejects.toMatchObject({ code: 'NO_MATCHING_KEY' })
    await expect(attempt(alice, [])).rejects.toMatchObject({ code: 'USAGE' })
    await expect(attempt(alice, [new Uint8Array(32)])).rejects.toMatchObject({ code: 'INVALID_KEY' })
  })
})

function parsed(bytes: Uint8Array): Header {
  const header = parseHeader(bytes)
  if (!('packets' in header)) throw new TypeError('the header is cut short')
  return header
}
