import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plaintextOnly } from '../../src/workflows/refuse-encrypted.ts'

async function* inPieces(content: Uint8Array, cuts: readonly number[]): AsyncIterable<Uint8Array> {
  const ends = [...cuts.filter((cut) => cut < content.length)].sort((a, b) => a - b)
  let start = 0
  for (const end of [...ends, content.length]) {
    yield content.subarray(start, end)
    start = end
  }
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('a stream that is to be encrypted', () => {
  it('passes unchanged when it is no Crypt4GH file, however it arrives', async () => {
    const content = fc.uint8Array({ maxLength: 40 }).filter((bytes) => bytes[0] !== 0x63)
    await fc.assert(
      fc.asyncProperty(content, fc.array(fc.nat(40), { maxLength: 10 }), async (bytes, cuts) => {
        expect((await all(plaintextOnly(inPieces(bytes, cuts), '-'))).equals(bytes)).toBe(true)
      }),
    )
  })

  it('is refused when it starts with the magic number, however it arrives', async () => {
    const sealed = Buffer.from('crypt4gh and so on')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(18), { maxLength: 6 }), async (cuts) => {
        await expect(all(plaintextOnly(inPieces(sealed, cuts), '-'))).rejects.toMatchObject({
          code: 'ALREADY_ENCRYPTED',
        })
      }),
    )
  })
})
