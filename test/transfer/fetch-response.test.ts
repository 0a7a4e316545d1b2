import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { brings, keepsAlive, LONGEST_HEAD, parseResponseHead } from '../../src/transfer/fetch-response.ts'

const wanted = { offset: 100, length: 50, objectSize: 1000, etag: 'abc-2' }
const right = {
  'Content-Length': '50',
  'Content-Range': 'bytes 100-149/1000',
  ETag: '"abc-2"',
}

function headOf(statusLine: string, headers: Record<string, string>): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${statusLine}\r\n${lines.join('')}\r\n`, 'latin1')
}

function bringsIt(statusLine: string, headers: Record<string, string>): boolean {
  const head = parseResponseHead(headOf(statusLine, headers))
  return head !== undefined && brings(head, wanted)
}

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/)

describe('the head of an answer', () => {
  it('is read when all of it is there, and never earlier', () => {
    const headers = fc.dictionary(name, value, { noNullPrototype: true })
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 200 }), fc.nat(), (sent, body, at) => {
        const head = headOf('HTTP/1.1 206 Partial Content', sent)
        const read = parseResponseHead(Buffer.concat([head, body]))
        expect(read).toMatchObject({ status: 206, bodyStart: head.length })
        expect(Object.fromEntries(read?.headers ?? [])).toEqual(sent)
        expect(parseResponseHead(head.subarray(0, at % head.length))).toBeUndefined()
      }),
    )
  })

  it('is refused when it has no end', () => {
    const almost = Buffer.alloc(LONGEST_HEAD - 1, 'a')
    expect(parseResponseHead(almost)).toBeUndefined()
    expect(() => parseResponseHead(Buffer.concat([almost, almost.subarray(0, 1)]))).toThrow(RangeError)
  })

  it('is read or refused, whatever arrives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          const head = parseResponseHead(Buffer.concat([bytes, Buffer.from('\r\n\r\n')]))
          expect(head?.status).toBeLessThan(1000)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
    )
  })

  it.each(['HTTP/1.0 206 Partial Content', 'HTTP/2 206', 'HTTP/1.1 2060', 'ICY 206 OK', ''])(
    'is refused with the first line "%s"',
    (statusLine) => {
      expect(() => parseResponseHead(headOf(statusLine, right))).toThrow(RangeError)
    },
  )

  it.each([' folded: x', 'no colon', 'space : x', ': x'])('is refused with the header "%s"', (line) => {
    const head = Buffer.from(`HTTP/1.1 206 x\r\nETag: "abc-2"\r\n${line}\r\n\r\n`)
    expect(() => parseResponseHead(head)).toThrow(RangeError)
  })
})

describe('the wanted bytes', () => {
  it('come with 206, their length, their range and the ETag, with or without quotes', () => {
    expect(bringsIt('HTTP/1.1 206 Partial Content', right)).toBe(true)
    expect(bringsIt('HTTP/1.1 206', { ...right, ETag: 'abc-2' })).toBe(true)
  })

  it.each(['200 OK', '100 Continue', '304 Not Modified', '412 Precondition Failed', '503 Slow Down'])(
    'do not come with %s',
    (status) => {
      expect(bringsIt(`HTTP/1.1 ${status}`, right)).toBe(false)
    },
  )

  it.each([
    { 'Content-Length': '49' },
    { 'Content-Length': '050' },
    { 'content-length': '50' },
    { 'Content-Range': 'bytes 100-149/1001' },
    { 'Content-Range': 'bytes 100-149/*' },
    { 'Content-Range': 'bytes 99-148/1000' },
    { ETag: '"abc-3"' },
    { 'Transfer-Encoding': 'chunked' },
    { 'Content-Encoding': 'gzip' },
  ])('do not come with %o', (other) => {
    expect(bringsIt('HTTP/1.1 206 Partial Content', { ...right, ...other })).toBe(false)
  })

  it.each(Object.keys(right))('do not come without %s', (missing) => {
    const others = Object.fromEntries(Object.entries(right).filter(([header]) => header !== missing))
    expect(bringsIt('HTTP/1.1 206 Partial Content', others)).toBe(false)
  })
})

it.each([
  [{}, true],
  [{ Connection: 'keep-alive' }, true],
  [{ Connection: 'Close' }, false],
  [{ Connection: 'upgrade, close' }, false],
])('after %o another request may follow: %s', (headers, may) => {
  const head = parseResponseHead(headOf('HTTP/1.1 206 x', headers))
  expect(head !== undefined && keepsAlive(head)).toBe(may)
})
