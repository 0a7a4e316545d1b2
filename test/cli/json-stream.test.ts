import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonPieces } from '../../src/cli/json-stream.ts'
import { printableJson } from '../../src/cli/printable.ts'

async function* given(items: readonly unknown[]): AsyncGenerator {
  yield* items
}

async function piecesOf(pieces: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const piece of pieces) all.push(piece)
  return all
}

describe('a document in pieces', () => {
  it('is the same text as in one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), fc.string(), async (items, text) => {
        const before = { bucket: text, prefix: '' }
        const after = { count: items.length, text }
        const pieces = await piecesOf(jsonPieces(before, 'objects', given(items), () => after))
        expect(pieces.join('')).toBe(`${printableJson({ ...before, objects: items, ...after })}\n`)
      }),
    )
  })

  it('comes in pieces of some size, with what is known at the end', async () => {
    const items = Array.from({ length: 5000 }, (_, index) => ({ objectKey: `run_12/${index}`, size: index }))
    let count = 0
    async function* counted(): AsyncGenerator {
      for (const item of items) {
        count += 1
        yield item
      }
    }
    const pieces = await piecesOf(jsonPieces({ bucket: 'b' }, 'objects', counted(), () => ({ count })))
    expect(pieces.length).toBeGreaterThan(3)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(66_000)
    expect(JSON.parse(pieces.join(''))).toEqual({ bucket: 'b', objects: items, count: 5000 })
  })

  it('has no end when an item fails, and no beginning when little was given', async () => {
    async function* failing(length: number): AsyncGenerator {
      for (let index = 0; index < length; index++) yield { index }
      throw new Error('the store failed')
    }
    const begun: string[] = []
    const read = async (length: number): Promise<void> => {
      for await (const piece of jsonPieces({ bucket: 'b' }, 'objects', failing(length), () => ({ length })))
        begun.push(piece)
    }
    await expect(read(10)).rejects.toThrow('the store failed')
    expect(begun).toEqual([])
    await expect(read(10_000)).rejects.toThrow('the store failed')
    expect(begun.length).toBeGreaterThan(0)
    expect(() => JSON.parse(begun.join('')) as unknown).toThrow()
  })
})
