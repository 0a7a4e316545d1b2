import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { SEGMENT_OVERHEAD, SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { newDataKey, openSegments, sealSegments } from '../../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize, plaintextBodySize } from '../../../src/crypto/crypt4gh/sizes.ts'
import { readySodium } from '../../../src/crypto/sodium.ts'
import type { Sodium } from '../../../src/crypto/sodium.ts'
import { index, plain, unhex } from '../vectors.ts'

let sodium: Sodium
beforeAll(async () => {
  sodium = await readySodium()
})

const plaintexts = fc.uint8Array({ maxLength: 2000 })

describe('the segment cipher', () => {
  it('opens the known answer', () => {
    const answer = index.kat.find(({ name }) => name === 'segment')!
    const into = new Uint8Array(unhex(answer.plaintext).length)
    expect(openSegments([unhex(answer.data_key)], unhex(answer.segment), into)).toBe(into.length)
    expect(into).toEqual(unhex(answer.plaintext))
  })

  it("writes what libsodium's cipher opens", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 2000 }), (plaintext) => {
        const dataKey = newDataKey()
        const segment = seal(dataKey, plaintext)
        const opened = sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
          null,
          segment.subarray(12),
          null,
          segment.subarray(0, 12),
          dataKey,
        )
        expect(opened).toEqual(plaintext)
      }),
    )
  })

  it("opens what libsodium's cipher writes, an empty segment too", () => {
    fc.assert(
      fc.property(plaintexts, fc.uint8Array({ minLength: 12, maxLength: 12 }), (plaintext, nonce) => {
        const dataKey = newDataKey()
        const sealed = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, null, null, nonce, dataKey)
        expect(open([dataKey], Uint8Array.from([...nonce, ...sealed]))).toEqual(plaintext)
      }),
    )
  })

  it('works on shared memory and on views into larger arrays', () => {
    const plaintext = shared(plain(SEGMENT_SIZE + 100))
    const encrypted = shared(new Uint8Array(encryptedBodySize(plaintext.length) + 10)).subarray(3)
    const opened = shared(new Uint8Array(plaintext.length + 10)).subarray(7)
    const dataKey = newDataKey()
    const written = sealSegments(dataKey, plaintext, encrypted)
    expect(written).toBe(encryptedBodySize(plaintext.length))
    expect(openSegments([dataKey], encrypted.subarray(0, written), opened)).toBe(plaintext.length)
    expect(Buffer.compare(opened.subarray(0, plaintext.length), plaintext)).toBe(0)
  })

  it('tries every data key, whichever segment is under whichever', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }), (choices) => {
        const dataKeys = [newDataKey(), newDataKey(), newDataKey()]
        const whole = plain(choices.length * SEGMENT_SIZE)
        const sealed = choices.map((choice, index) =>
          seal(dataKeys[choice]!, whole.subarray(index * SEGMENT_SIZE, (index + 1) * SEGMENT_SIZE)),
        )
        expect(Buffer.compare(open(dataKeys, Buffer.concat(sealed)), whole)).toBe(0)
      }),
      { numRuns: 20 },
    )
  })

  it('names the damaged segment, counted from where the range began, and writes nothing of it', () => {
    const dataKey = newDataKey()
    const plaintext = plain(3 * SEGMENT_SIZE)
    const encrypted = seal(dataKey, plaintext)
    encrypted[65_564 + 5000]! ^= 1
    const into = new Uint8Array(plaintext.length)
    expect(() => openSegments([dataKey, newDataKey()], encrypted, into, 40)).toThrow(/^segment 41 is damaged/)
    expect(Buffer.compare(into.subarray(0, SEGMENT_SIZE), plaintext.subarray(0, SEGMENT_SIZE))).toBe(0)
    expect(into.subarray(SEGMENT_SIZE).every((byte) => byte === 0)).toBe(true)
  })

  it('refuses a segment with any bit changed or any byte missing', () => {
    const dataKey = newDataKey()
    const segment = seal(dataKey, plain(40))
    for (let bit = 0; bit < segment.length * 8; bit += 1) {
      const changed = segment.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => open([dataKey], changed)).toThrow('segment 0')
    }
    for (let length = 1; length < segment.length; length += 1) {
      const code = expect.objectContaining({ code: 'AUTHENTICATION_FAILED' }) as Error
      expect(() => openSegments([dataKey], segment.subarray(0, length), new Uint8Array(40))).toThrow(code)
    }
  })

  it('is not misused quietly: a wrong key size or too little room is a bug', () => {
    expect(() => seal(new Uint8Array(31), plain(1))).toThrow(RangeError)
    expect(() => sealSegments(newDataKey(), plain(2), new Uint8Array(29))).toThrow(RangeError)
    expect(() => openSegments([newDataKey()], new Uint8Array(29), new Uint8Array(0))).toThrow(RangeError)
  })

  it('makes data keys that differ', () => {
    expect(newDataKey()).toHaveLength(32)
    expect(newDataKey()).not.toEqual(newDataKey())
  })
})

describe('nonces', () => {
  it('are distinct in a file, and a second sealing of the same bytes shares none', () => {
    const dataKey = newDataKey()
    const plaintext = new Uint8Array(300 * SEGMENT_SIZE)
    const first = nonces(seal(dataKey, plaintext))
    const second = nonces(seal(dataKey, plaintext))
    expect(first).toHaveLength(300)
    expect(new Set([...first, ...second]).size).toBe(600)
  })
})

function nonces(encrypted: Uint8Array): string[] {
  const found: string[] = []
  for (let start = 0; start < encrypted.length; start += SEGMENT_SIZE + SEGMENT_OVERHEAD) {
    found.push(Buffer.from(encrypted.subarray(start, start + 12)).toString('hex'))
  }
  return found
}

function seal(dataKey: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const into = new Uint8Array(encryptedBodySize(plaintext.length))
  sealSegments(dataKey, plaintext, into)
  return into
}

function open(dataKeys: Uint8Array[], encrypted: Uint8Array): Uint8Array {
  const into = new Uint8Array(plaintextBodySize(encrypted.length))
  openSegments(dataKeys, encrypted, into)
  return into
}

function shared(bytes: Uint8Array): Uint8Array {
  const view = new Uint8Array(new SharedArrayBuffer(bytes.length))
  view.set(bytes)
  return view
}
