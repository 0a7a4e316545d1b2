import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { multipartEtag } from '../../../src/storage/multipart-etag.ts'
import { EtagCheck, etagQuestion } from '../../../src/workflows/object-verify/etag-check.ts'
import { plain } from '../../crypto/vectors.ts'

const MIB = 1024 ** 2

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

/** The ETag of parts of so many bytes, by the other implementation. */
function etagOf(object: Uint8Array, partSize: number): string {
  const parts = []
  for (let at = 0; at < object.length; at += partSize) {
    parts.push({ partNumber: parts.length + 1, etag: md5(object.subarray(at, at + partSize)) })
  }
  return multipartEtag(parts)!
}

function answer(etag: string, object: Uint8Array, headerLength?: number, piece = 100_000) {
  const check = new EtagCheck(etagQuestion(etag, object.length, headerLength)!)
  for (let at = 0; at < object.length; at += piece) check.update(object.subarray(at, at + piece))
  return check.end()
}

describe('the ETag of an object', () => {
  it('in one piece is its MD5', () => {
    const object = plain(1000)
    expect(answer(md5(object), object)).toEqual({ verdict: 'matches' })
    expect(answer(md5(object).toUpperCase(), object)).toEqual({ verdict: 'matches' })
    expect(answer(md5(plain(999)), object)).toEqual({ verdict: 'differs' })
    expect(answer(md5(plain(0)), plain(0))).toEqual({ verdict: 'matches' })
  })

  it('in parts is found whatever the pieces are in which the bytes come', () => {
    const object = randomBytes(11 * MIB + 17)
    const layouts = fc.constantFrom(1, 2, 3, 5, 8).map((mib) => mib * MIB)
    fc.assert(
      fc.property(layouts, fc.integer({ min: 10_000, max: 12 * MIB }), (partSize, piece) => {
        const { verdict, layout } = answer(etagOf(object, partSize), object, undefined, piece)
        expect(verdict).toBe('matches')
        expect(layout?.[0]?.size).toBe(Math.min(partSize, object.length))
      }),
      { numRuns: 20 },
    )
  })

  it('in parts of an unusual size proves nothing, whatever the bytes are', () => {
    const object = randomBytes(7 * MIB)
    expect(answer(etagOf(object, 2_345_678), object)).toEqual({ verdict: 'unknown layout' })
    expect(answer(etagOf(object.subarray(1), 2 * MIB), object)).toEqual({ verdict: 'unknown layout' })
  })

  it('in a single part is certain', () => {
    const object = plain(3000)
    expect(answer(etagOf(object, 3000), object)).toMatchObject({ verdict: 'matches' })
    expect(answer(etagOf(plain(2999), 3000), object)).toEqual({ verdict: 'differs' })
    expect(answer(`${md5(createHash('md5').digest())}-1`, plain(0))).toMatchObject({ verdict: 'matches' })
  })

  it('that is no MD5 asks nothing', () => {
    for (const etag of [
      '',
      'abc',
      `${'0'.repeat(32)}-0`,
      `${'0'.repeat(32)}-`,
      'g'.repeat(32),
      '0'.repeat(64),
    ]) {
      expect(etagQuestion(etag, 100, undefined)).toBeUndefined()
    }
  })
})
