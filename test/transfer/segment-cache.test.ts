import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { SegmentCache } from '../../src/transfer/segment-cache.ts'

/** Opens a segment that consists of one byte again and again. */
const full =
  (byte: number, length = SEGMENT_SIZE) =>
  (memory: Uint8Array): number => {
    memory.fill(byte, 0, length)
    return length
  }

describe('a cache of segments', () => {
  it('gives what was put in, of each object its own', () => {
    const cache = new SegmentCache(4 * SEGMENT_SIZE)
    const [one, two] = [cache.register(), cache.register()]
    cache.put(one, 0, full(1))
    cache.put(two, 0, full(2, 10))
    expect(cache.get(one, 0)).toEqual(new Uint8Array(SEGMENT_SIZE).fill(1))
    expect(cache.get(two, 0)).toEqual(new Uint8Array(10).fill(2))
    expect(cache.get(one, 1)).toBeUndefined()
    cache.drop(one)
    expect([cache.has(one, 0), cache.has(two, 0)]).toEqual([false, true])
  })

  it('never takes a segment for one of another object', () => {
    const cache = new SegmentCache(4 * SEGMENT_SIZE)
    const [one, two] = [cache.register(), cache.register()]
    cache.put(two, 0, full(2))
    for (const segment of [2 ** 30, 2 ** 30 + 1, -1, 0.5, NaN]) {
      expect(() => cache.get(one, segment)).toThrow(RangeError)
      expect(() => cache.put(one, segment, full(1))).toThrow(RangeError)
    }
    expect(cache.get(one, 2 ** 30 - 1)).toBeUndefined()
    expect(() => cache.get(2 ** 23, 0)).toThrow(RangeError)
    cache.put(one, 2 ** 30 - 1, full(1))
    cache.drop(one)
    expect([cache.size, cache.has(two, 0)]).toEqual([1, true])
  })

  it('overwrites the memory of what gives way, is dropped, or could not be opened', () => {
    const cache = new SegmentCache(2 * SEGMENT_SIZE)
    const object = cache.register()
    const zeros = new Uint8Array(SEGMENT_SIZE)
    const first = cache.put(object, 0, full(1))
    cache.put(object, 1, full(2))
    let seen: Uint8Array | undefined
    cache.put(object, 2, (memory) => {
      seen = memory.slice()
      return 5
    })
    expect(seen).toEqual(zeros)
    expect(first.buffer).toBe(cache.get(object, 2)?.buffer)
    const second = cache.get(object, 1)
    cache.drop(object)
    expect(second).toEqual(zeros)
    let half: Uint8Array | undefined
    const failing = (memory: Uint8Array): number => {
      half = memory
      memory.fill(9)
      throw new RangeError('not genuine')
    }
    expect(() => cache.put(object, 3, failing)).toThrow('not genuine')
    expect(half).toEqual(zeros)
    expect(cache.has(object, 3)).toBe(false)
  })

  it('is empty and wiped after its end', () => {
    const cache = new SegmentCache(SEGMENT_SIZE)
    const object = cache.register()
    const plaintext = cache.put(object, 0, full(7))
    cache.close()
    expect(plaintext).toEqual(new Uint8Array(SEGMENT_SIZE))
    expect(cache.size).toBe(0)
    expect(() => cache.put(object, 0, full(7))).toThrow(RangeError)
    expect(() => new SegmentCache(SEGMENT_SIZE - 1)).toThrow(RangeError)
  })

  it('keeps what was used last, whatever is done with it', () => {
    const step = fc.record({ put: fc.boolean(), object: fc.nat({ max: 1 }), segment: fc.nat({ max: 6 }) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
        const cache = new SegmentCache(capacity * SEGMENT_SIZE + 100)
        const objects = [cache.register(), cache.register()]
        // The model: keys in the order of their use, the last one last.
        let model: string[] = []
        for (const { put, object, segment } of steps) {
          const key = `${object}/${segment}`
          const id = objects[object]!
          const known = model.includes(key)
          if (put) {
            cache.put(id, segment, full(object * 10 + segment + 1, 3))
            model = [...model.filter((one) => one !== key), key].slice(-capacity)
          } else {
            const found = cache.get(id, segment)
            expect(found?.[2]).toBe(known ? object * 10 + segment + 1 : undefined)
            if (known) model = [...model.filter((one) => one !== key), key]
          }
          expect(cache.size).toBe(model.length)
          expect(cache.size).toBeLessThanOrEqual(cache.capacity)
        }
      }),
      { numRuns: 50 },
    )
  })
})
