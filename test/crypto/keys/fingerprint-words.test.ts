import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprint } from '../../../src/crypto/keys/fingerprint.ts'
import { fingerprintWords } from '../../../src/crypto/keys/fingerprint-words.ts'
import { NAMED_RECIPIENTS } from '../../../src/crypto/keys/named-recipients.ts'
import { sha256 } from '../vectors.ts'

/** The fingerprint that a SHA-256 beginning with these bytes would have. */
function fingerprintOf(...bytes: number[]): string {
  const digest = Buffer.alloc(32)
  digest.set(bytes)
  return `SHA256:${digest.toString('base64').replace('=', '')}`
}

/** Every word, by the byte it stands for. */
const words = Array.from({ length: 256 }, (_, byte) => fingerprintWords(fingerprintOf(byte)).split('-')[0]!)

describe('the words of a fingerprint', () => {
  it('are those of the SD services key that people may have on paper', () => {
    expect(fingerprintWords(fingerprint(NAMED_RECIPIENTS.get('@csc-sd')!.publicKey))).toBe(
      'farmer-radish-hickory-nugget-napkin-pyramid-motor-kingdom-valley-acorn',
    )
  })

  it('are ten, one for each of the first ten bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (publicKey) => {
        const shown = fingerprintWords(fingerprint(publicKey)).split('-')
        const digest = Buffer.from(sha256(publicKey), 'hex')
        expect(shown.map((word) => words.indexOf(word))).toEqual([...digest.subarray(0, 10)])
      }),
    )
  })

  it('are 256 different ones, which no two people can take for each other', () => {
    expect(new Set(words).size).toBe(256)
    expect(new Set(words.map((word) => word.slice(0, 3))).size).toBe(256)
    for (const word of words) expect(word).toMatch(/^[a-z]{4,8}$/)
    const close = words.flatMap((word, index) =>
      words.slice(index + 1).flatMap((other) => (distance(word, other) < 3 ? [`${word} ${other}`] : [])),
    )
    expect(close).toEqual([])
  })

  it('never change: the list is the one of the first release', () => {
    expect(sha256(Buffer.from(words.join(' ')))).toBe(
      'ee83c3254ffaca803840447018b41d6596566dbc191cda30ea436068c703ea7f',
    )
  })

  it('are made of fingerprints and of nothing else', () => {
    for (const text of ['', 'SHA256:', 'SHA256:AAAA', 'MD5:00', `${fingerprintOf(1)}A`]) {
      expect(() => fingerprintWords(text)).toThrow(RangeError)
    }
  })
})

/** Letters to change, insert or take away (Levenshtein). */
function distance(first: string, second: string): number {
  let row = Array.from({ length: second.length + 1 }, (_, index) => index)
  for (let index = 0; index < first.length; index += 1) {
    const next = [index + 1]
    for (let column = 0; column < second.length; column += 1) {
      const changed = row[column]! + (first[index] === second[column] ? 0 : 1)
      next.push(Math.min(row[column + 1]! + 1, next[column]! + 1, changed))
    }
    row = next
  }
  return row.at(-1)!
}
