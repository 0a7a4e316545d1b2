import { createCipheriv, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { poly1305 } from '../../../src/crypto/keys/poly1305.ts'
import { unhex } from '../vectors.ts'

describe('poly1305', () => {
  it('gives the example of RFC 8439 §2.5.2', () => {
    const key = unhex('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b')
    const tag = unhex('a8061dc1305136c6c22b8baf0c0127a9')
    expect(poly1305(key, new TextEncoder().encode('Cryptographic Forum Research Group'), tag)).toBe(true)
  })

  it("agrees with the tag of OpenSSL's chacha20-poly1305", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (plaintext) => {
        const key = randomBytes(32)
        const cipher = createCipheriv('chacha20-poly1305', key, new Uint8Array(12), { authTagLength: 16 })
        const ciphertext = cipher.update(plaintext)
        cipher.final()
        const tag = cipher.getAuthTag()
        const oneTimeKey = createCipheriv('chacha20', key, new Uint8Array(16)).update(new Uint8Array(32))
        const lengths = Buffer.alloc(16)
        lengths.writeUInt32LE(ciphertext.length, 8)
        const padding = new Uint8Array((16 - (ciphertext.length % 16)) % 16)
        const message = Buffer.concat([ciphertext, padding, lengths])
        expect(poly1305(oneTimeKey, message, tag)).toBe(true)
        tag[3]! ^= 1
        expect(poly1305(oneTimeKey, message, tag)).toBe(false)
      }),
    )
  })

  it('takes no tag of another length', () => {
    expect(poly1305(new Uint8Array(32), new Uint8Array(0), new Uint8Array(16))).toBe(true)
    expect(poly1305(new Uint8Array(32), new Uint8Array(0), new Uint8Array(0))).toBe(false)
  })
})
