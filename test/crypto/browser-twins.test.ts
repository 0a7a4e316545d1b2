/** The files that browsers get instead of those with node:crypto must do the same, byte for byte. */
import { createCipheriv, createHash, scryptSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/crypto/browser/sha256.ts'
import * as browserCipher from '../../src/crypto/crypt4gh/segment-cipher.browser.ts'
import * as nodeCipher from '../../src/crypto/crypt4gh/segment-cipher.ts'
import { SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { chacha20 } from '../../src/crypto/keys/chacha20.ts'
import * as browser from '../../src/crypto/primitives.browser.ts'
import * as node from '../../src/crypto/primitives.ts'
import { hex, plain } from './vectors.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const some = fc.uint8Array({ minLength: 1, maxLength: 40 })
/** What an OpenSSH section can be: whole blocks. */
const blocks = fc.integer({ min: 1, max: 12 }).chain((count) => bytes(16 * count))

describe('the segment cipher of browsers', () => {
  it("opens what Node's seals, and the other way round, at any offset", () => {
    fc.assert(
      fc.property(
        bytes(32),
        bytes(12),
        fc.uint8Array({ maxLength: 300, size: 'max' }),
        fc.nat(40),
        (dataKey, nonce, plaintext, offset) => {
          const size = plaintext.length + 28
          const [byNode, byBrowser] = [nodeCipher, browserCipher].map((cipher) => {
            const into = new Uint8Array(offset + size + 3)
            const key = cipher.cipherKey(dataKey) as never
            expect(cipher.sealSegment(key, nonce, plaintext, into, offset)).toBe(size)
            return into
          })
          expect(byBrowser).toEqual(byNode)
          const segment = byNode!.slice(offset, offset + size)
          const into = new Uint8Array(offset + plaintext.length + 3)
          const length = browserCipher.openSegment(browserCipher.cipherKey(dataKey), segment, into, offset)
          expect(length).toBe(plaintext.length)
          expect(into.slice(offset, offset + plaintext.length)).toEqual(plaintext)
        },
      ),
    )
  })

  it('writes nothing of a segment that is damaged or under another key', () => {
    const dataKey = new Uint8Array(32).fill(1)
    const segment = new Uint8Array(SEGMENT_SIZE + 28)
    const key = browserCipher.cipherKey(dataKey)
    browserCipher.sealSegment(key, new Uint8Array(12), plain(SEGMENT_SIZE), segment, 0)
    const damaged = segment.slice()
    damaged[SEGMENT_SIZE]! ^= 1
    const into = new Uint8Array(SEGMENT_SIZE)
    expect(browserCipher.openSegment(key, damaged, into, 0)).toBeUndefined()
    const other = browserCipher.cipherKey(new Uint8Array(32))
    expect(browserCipher.openSegment(other, segment, into, 0)).toBeUndefined()
    expect(into.every((byte) => byte === 0)).toBe(true)
    expect(browserCipher.openSegment(key, segment, into, 0)).toBe(SEGMENT_SIZE)
  })
})

describe('the primitives of browsers', () => {
  it('have the names that Node has, and no others', () => {
    expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort())
    expect(Object.keys(browserCipher).sort()).toEqual(Object.keys(nodeCipher).sort())
  })

  it('give random bytes beyond what the browser gives at once', () => {
    for (const length of [0, 12, 65_536, 65_537, 200_000]) {
      expect(browser.randomBytes(length)).toHaveLength(length)
    }
    const tail = browser.randomBytes(200_000).subarray(196_608)
    expect(new Set(tail).size).toBeGreaterThan(200)
  })

  it('hash as SHA-256 does, across every edge of a block', () => {
    for (let length = 0; length < 200; length += 1) {
      const message = plain(length)
      expect(hex(sha256(message))).toBe(createHash('sha256').update(message).digest('hex'))
      expect(hex(node.sha256(message))).toBe(hex(browser.sha256(message)))
    }
  })

  it('derive keys with scrypt as OpenSSL does', async () => {
    await fc.assert(
      fc.asyncProperty(
        some,
        some,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 3 }),
        async (passphrase, salt, log, r, p) => {
          const cost = { N: 2 ** log, r, p }
          const expected = scryptSync(passphrase, salt, 40, cost)
          expect(hex(await browser.scrypt(passphrase, salt, 40, cost))).toBe(hex(expected))
        },
      ),
      { numRuns: 30 },
    )
    const keyFiles = { N: 16_384, r: 8, p: 1 }
    const [passphrase, salt] = [plain(10), plain(16)]
    expect(hex(await browser.scrypt(passphrase, salt, 32, keyFiles))).toBe(
      hex(await node.scrypt(passphrase, salt, 32, keyFiles)),
    )
  })

  it('derive keys with PBKDF2 as OpenSSL does', async () => {
    await fc.assert(
      fc.asyncProperty(some, some, fc.integer({ min: 1, max: 50 }), async (passphrase, salt, rounds) => {
        expect(hex(await browser.pbkdf2(passphrase, salt, rounds, 40))).toBe(
          hex(await node.pbkdf2(passphrase, salt, rounds, 40)),
        )
      }),
      { numRuns: 30 },
    )
  })

  it.each(['aes-128-ctr', 'aes-192-ctr', 'aes-256-ctr', 'aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc'])(
    'decrypt %s without taking padding off',
    async (cipher) => {
      await fc.assert(
        fc.asyncProperty(
          bytes(Number(cipher.slice(4, 7)) / 8),
          bytes(16),
          blocks,
          async (key, iv, stored) => {
            expect(hex(await browser.decryptBlocks(cipher, key, iv, stored))).toBe(
              hex(await node.decryptBlocks(cipher, key, iv, stored)),
            )
          },
        ),
        { numRuns: 20 },
      )
    },
  )

  it.each(['aes-128-gcm', 'aes-256-gcm'] as const)('decrypt %s, and see a wrong tag', async (cipher) => {
    await fc.assert(
      fc.asyncProperty(
        bytes(Number(cipher.slice(4, 7)) / 8),
        bytes(12),
        blocks,
        async (key, iv, plaintext) => {
          const sealing = createCipheriv(cipher, key, iv)
          const stored = sealing.update(plaintext)
          sealing.final()
          const tag = Uint8Array.from(sealing.getAuthTag())
          for (const { decryptGcm } of [node, browser]) {
            expect(hex((await decryptGcm(cipher, key, iv, stored, tag))!)).toBe(hex(plaintext))
            const wrong = tag.map((byte, index) => (index === 15 ? byte ^ 1 : byte))
            expect(await decryptGcm(cipher, key, iv, stored, wrong)).toBeUndefined()
          }
        },
      ),
      { numRuns: 20 },
    )
  })

  it('refuse 3DES, which no browser has, with the way out', async () => {
    const attempt = browser.decryptBlocks('des-ede3-cbc', new Uint8Array(24), new Uint8Array(8), plain(16))
    await expect(attempt).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: "this browser can't decrypt des-ede3-cbc",
      hints: [expect.stringContaining('ssh-keygen -p')],
    })
  })
})

describe('ChaCha20 by itself', () => {
  it("is OpenSSL's, from any block on", () => {
    fc.assert(
      fc.property(
        bytes(32),
        fc.nat(255),
        fc.uint8Array({ maxLength: 300, size: 'max' }),
        (key, counter, message) => {
          const iv = new Uint8Array(16)
          iv[0] = counter
          expect(hex(chacha20(key, counter, message))).toBe(
            createCipheriv('chacha20', key, iv).update(message).toString('hex'),
          )
        },
      ),
    )
  })
})
