import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { recognize } from '../../../src/crypto/crypt4gh/recognize.ts'
import { readVector } from '../vectors.ts'

function whole(content: Uint8Array, name = 'reads.bam.c4gh') {
  return recognize(content.subarray(0, 65_536), content.length, name).content
}

describe('recognizing by the first bytes', () => {
  it('knows Crypt4GH, and nothing at all', () => {
    expect(whole(readVector('files/py-size-65537.c4gh'))).toBe('crypt4gh')
    expect(whole(new Uint8Array())).toBe('empty')
  })

  it('guesses a body without its header', () => {
    const file = readVector('files/py-size-65537.c4gh')
    const body = file.subarray(124)
    expect(whole(body)).toBe('headerless')
    expect(whole(body, 'reads.bam'), 'without the name the bytes must do').toBe('headerless')
    expect(whole(readVector('files/kat-simple.c4gh').subarray(124), 'x.c4gh')).toBe('headerless')
    expect(whole(body.subarray(0, 500), 'small'), 'too little to say').toBe('other')
  })

  it('does not take for a body what cannot be one', () => {
    const random = randomBytes(ENCRYPTED_SEGMENT_SIZE + 20)
    expect(whole(random), 'no plaintext gives that size').toBe('other')
    expect(whole(new Uint8Array(100_000)), 'zeros are not encrypted').toBe('other')
    expect(whole(Buffer.from('ACGT\n'.repeat(20_000)))).toBe('other')
    expect(whole(gzipSync(randomBytes(100_000)))).toBe('other')
  })

  it('says what else it may be', () => {
    const reason = (content: Uint8Array) => recognize(content, content.length, 'x').reasons.join()
    expect(reason(gzipSync('reads'))).toMatch(/gzip/)
    expect(reason(Buffer.from('CRAM\x03\x01'))).toMatch(/CRAM/)
    expect(reason(Buffer.from('@read 1\nACGT\n+\nFFFF\n'))).toMatch(/text/)
    expect(reason(readVector('files/bad-magic.c4gh'))).toMatch(/damaged .* Crypt4GH/)
    expect(reason(readVector('files/trunc-in-magic.c4gh'))).toMatch(/cut-off Crypt4GH/)
  })
})
