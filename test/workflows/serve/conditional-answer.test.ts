import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRange, planAnswer } from '../../../src/workflows/serve/conditional-answer.ts'

const LAST_MODIFIED = new Date('2026-11-21T10:00:00.400Z')
const FILE = { size: 1000, etag: '"abc"', lastModified: LAST_MODIFIED }
const AT = 'Sat, 21 Nov 2026 10:00:00 GMT'
const BEFORE = 'Sat, 21 Nov 2026 09:59:59 GMT'

describe('a Range header', () => {
  it.each([
    ['bytes=0-0', { offset: 0, length: 1 }],
    ['bytes=0-', { offset: 0, length: 1000 }],
    ['bytes=500-599', { offset: 500, length: 100 }],
    ['BYTES= 500-99999 ', { offset: 500, length: 500 }],
    ['bytes=-1', { offset: 999, length: 1 }],
    ['bytes=999-', { offset: 999, length: 1 }],
    ['bytes=-1000', 'whole'],
    ['bytes=-5000', 'whole'],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=5000-6000', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    // Not valid, or several ranges: as if it were not there.
    ['bytes=5-4', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=a-b', 'whole'],
    ['bytes=0-1,5-6', 'whole'],
    ['lines=0-1', 'whole'],
    ['bytes=99999999999999999999-', 'whole'],
    ['', 'whole'],
  ])('%s of 1000 bytes', (header, expected) => {
    expect(parseRange(header, 1000)).toEqual(expected)
  })

  it('of an empty file', () => {
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable')
    expect(parseRange('bytes=-5', 0)).toBe('whole')
  })

  it('never asks for a byte that is not there', () => {
    const number = fc.oneof(fc.nat({ max: 30 }).map(String), fc.constant(''))
    fc.assert(
      fc.property(number, number, fc.nat({ max: 25 }), (first, last, size) => {
        const range = parseRange(`bytes=${first}-${last}`, size)
        if (typeof range === 'string') return
        expect(range.length).toBeGreaterThan(0)
        expect(range.offset).toBe(first === '' ? size - Number(last) : Number(first))
        expect(range.offset + range.length).toBeLessThanOrEqual(size)
        if (first !== '' && last !== '') {
          expect(range.offset + range.length - 1).toBe(Math.min(Number(last), size - 1))
        }
      }),
    )
  })
})

describe('an answer', () => {
  it('is the whole, with what identifies it', () => {
    expect(planAnswer('GET', {}, FILE)).toEqual({
      status: 200,
      headers: { ETag: '"abc"', 'Accept-Ranges': 'bytes', 'Last-Modified': AT, 'Content-Length': '1000' },
      range: { offset: 0, length: 1000 },
      bounded: false,
    })
    expect(planAnswer('HEAD', { range: 'bytes=0-1' }, FILE)).toMatchObject({
      status: 200,
      headers: { 'Content-Length': '1000' },
      range: undefined,
    })
  })

  it.each([
    ['bytes=10-19', 'bytes 10-19/1000', '10', true],
    ['bytes=10-', 'bytes 10-999/1000', '990', false],
    ['bytes=10-999', 'bytes 10-999/1000', '990', false],
    ['bytes=-10', 'bytes 990-999/1000', '10', true],
  ])('to %s is that part', (range, contentRange, contentLength, bounded) => {
    expect(planAnswer('GET', { range }, FILE)).toMatchObject({
      status: 206,
      headers: { 'Content-Range': contentRange, 'Content-Length': contentLength },
      bounded,
    })
  })

  it('says how long the file is when there is no such part', () => {
    expect(planAnswer('GET', { range: 'bytes=1000-' }, FILE)).toMatchObject({
      status: 416,
      headers: { 'Content-Range': 'bytes */1000' },
      range: undefined,
    })
  })

  it.each([
    [{ 'if-range': '"abc"' }, 206],
    [{ 'if-range': '"abd"' }, 200],
    [{ 'if-range': 'W/"abc"' }, 200],
    [{ 'if-range': AT }, 200],
    [{ 'if-none-match': '"abc"' }, 304],
    [{ 'if-none-match': 'W/"x", W/"abc"' }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"x"', 'if-modified-since': AT }, 206],
    [{ 'if-modified-since': AT }, 304],
    [{ 'if-modified-since': BEFORE }, 206],
    [{ 'if-modified-since': 'yesterday' }, 206],
    [{ 'if-match': '"x", "abc"' }, 206],
    [{ 'if-match': 'W/"abc"' }, 412],
    [{ 'if-match': '"abc"', 'if-unmodified-since': BEFORE }, 206],
    [{ 'if-unmodified-since': BEFORE }, 412],
    [{ 'if-unmodified-since': AT }, 206],
  ])('to a part with %j is %i', (headers, status) => {
    const plan = planAnswer('GET', { range: 'bytes=0-1', ...headers }, FILE)
    expect(plan.status).toBe(status)
    expect(plan.range !== undefined).toBe(status === 200 || status === 206)
    expect(plan.headers['ETag']).toBe('"abc"')
  })
})
