import { beforeAll, describe, expect, it } from 'vitest'
import { decryptStream, encryptStream } from '../../../src/crypto/crypt4gh/crypt4gh.ts'
import { parseHeader, serializeHeader } from '../../../src/crypto/crypt4gh/header.ts'
import { sealPackets } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey } from '../../../src/crypto/crypt4gh/segment.ts'
import { fingerprint } from '../../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { chunked, collect, concat, drain, plain } from '../vectors.ts'
import { sealedFile } from './sealed-files.ts'

const PLAINTEXT = plain(1000)

let lab: KeyPair
let reader: KeyPair
let other: KeyPair
beforeAll(async () => {
  lab = await generateKeyPair()
  reader = await generateKeyPair()
  other = await generateKeyPair()
})

describe('a reader who insists on the sender', () => {
  it('opens what the sender sealed with an own key', async () => {
    const file = await sealedBy(lab)
    const senders = [other.publicKey, lab.publicKey]
    expect(await collect(decryptStream(chunked(file), [reader], { senders }))).toEqual(PLAINTEXT)
  })

  it('gets no byte of what somebody else sealed, or nobody known', async () => {
    for (const file of [await sealedBy(other), await sealedBy(undefined)]) {
      const { bytes, failure } = await drain(
        decryptStream(chunked(file), [reader], { senders: [lab.publicKey] }),
      )
      expect(failure).toMatchObject({ code: 'UNEXPECTED_SENDER' })
      expect(bytes).toHaveLength(0)
    }
  })

  it('refuses a single foreign packet, which could bring a data key for added segments', async () => {
    const file = await sealedBy(lab)
    const foreign = await sealPackets({ dataKeys: [newDataKey()] }, [reader.publicKey], other)
    const mixed = withPackets(file, foreign)
    expect(await collect(decryptStream(chunked(mixed), [reader]))).toEqual(PLAINTEXT)
    const { failure } = await drain(decryptStream(chunked(mixed), [reader], { senders: [lab.publicKey] }))
    expect(failure).toMatchObject({ code: 'UNEXPECTED_SENDER' })
    expect((failure as Error).message).toContain(fingerprint(other.publicKey))
    expect((failure as Error).message).not.toContain(fingerprint(lab.publicKey))
  })

  it('does not mind packets for others, whoever wrote them', async () => {
    const file = await sealedBy(lab)
    const foreign = await sealPackets({ dataKeys: [newDataKey()] }, [other.publicKey], other)
    const opened = decryptStream(chunked(withPackets(file, foreign)), [reader], { senders: [lab.publicKey] })
    expect(await collect(opened)).toEqual(PLAINTEXT)
  })
})

describe('a header that is kept apart', () => {
  it('opens its body', async () => {
    const { header, body } = await sealedFile(plain(200_000), [reader], 2, [7n, 100_000n])
    const opened = await collect(decryptStream(chunked(body, 10_000), [reader], { header }))
    expect(Buffer.compare(opened, plain(100_007).subarray(7))).toBe(0)
  })

  it('is refused when it is cut short or a whole file', async () => {
    const { header, body } = await sealedFile(PLAINTEXT, [reader])
    for (const wrong of [header.slice(0, 20), concat(header, body)]) {
      const { failure } = await drain(decryptStream(chunked(body), [reader], { header: wrong }))
      expect(failure).toMatchObject({ code: 'INVALID_HEADER' })
    }
  })
})

async function sealedBy(sender: KeyPair | undefined): Promise<Uint8Array> {
  return collect(encryptStream(chunked(PLAINTEXT), [reader.publicKey], { sender }))
}

function withPackets(file: Uint8Array, added: Awaited<ReturnType<typeof sealPackets>>): Uint8Array {
  const header = parseHeader(file)
  if (!('packets' in header)) throw new TypeError('the header is cut short')
  return concat(serializeHeader([...added, ...header.packets]), file.slice(header.length))
}
