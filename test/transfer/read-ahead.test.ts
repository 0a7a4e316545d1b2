import { describe, expect, it } from 'vitest'
import { FIRST_WINDOW, LARGEST_WINDOW, ReadAhead, type Stretch } from '../../src/transfer/read-ahead.ts'

const length = ({ begin, end }: Stretch): number => end - begin

describe('how much is fetched', () => {
  it('grows for one that reads on without having named an end', () => {
    const readAhead = new ReadAhead()
    let stretch = readAhead.next(10, undefined, undefined)
    const lengths = [length(stretch)]
    for (let count = 0; count < 6; count += 1) {
      stretch = readAhead.next(stretch.end, undefined, stretch)
      lengths.push(length(stretch))
    }
    expect(lengths).toEqual([4, 8, 16, 32, 32, 32, 32])
  })

  it('is what was asked for when an end was named, and no more in its course', () => {
    const readAhead = new ReadAhead()
    expect(length(readAhead.next(0, 1, undefined))).toBe(1)
    const long = readAhead.next(500, 100, undefined)
    expect(length(long)).toBe(LARGEST_WINDOW)
    const then = readAhead.next(long.end, 68, long)
    expect(length(then)).toBe(LARGEST_WINDOW)
    expect(length(readAhead.next(then.end, 4, then))).toBe(4)
  })

  it('grows for requests that continue one another, and only for those', () => {
    const readAhead = new ReadAhead()
    const lengths: number[] = []
    let at = 0
    for (let count = 0; count < 6; count += 1) {
      const stretch = readAhead.next(at, 1, undefined)
      lengths.push(length(stretch))
      at = stretch.end
      // Somebody else reads here and there meanwhile.
      expect(length(readAhead.next(10_000 - 50 * count, 2, undefined))).toBe(2)
    }
    expect(lengths).toEqual([1, FIRST_WINDOW, 8, 16, 32, 32])
  })

  it('remembers a few readers, not all of them', () => {
    const readAhead = new ReadAhead()
    const first = readAhead.next(0, 1, undefined)
    for (let count = 1; count <= 20; count += 1) readAhead.next(count * 100, 1, undefined)
    expect(length(readAhead.next(first.end, 1, undefined))).toBe(1)
    expect(length(readAhead.next(2001, 1, undefined))).toBe(FIRST_WINDOW)
  })

  it('counts on from what could be fetched', () => {
    const readAhead = new ReadAhead()
    const stretch = readAhead.next(0, undefined, undefined)
    // The caller found segment 2 in memory.
    stretch.end = 2
    const next = readAhead.next(3, undefined, stretch)
    expect(length(next)).toBe(2 * FIRST_WINDOW)
  })
})
