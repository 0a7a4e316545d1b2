import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JournalEntry } from '../../../src/transfer/journal/journal-entry.ts'
import { parseLine, serializeLine } from '../../../src/transfer/journal/journal-line.ts'
import { laterEntries, TRANSFER, transfers } from './entries.ts'

const entries = fc.oneof({ weight: 1, arbitrary: transfers }, { weight: 8, arbitrary: laterEntries })

/** A line with the right check over whatever it says: as somebody with an editor and patience makes it. */
function forged(entry: unknown): string {
  const body = JSON.stringify(entry).slice(0, -1)
  return `${body},"check":"${crc32(body).toString(16).padStart(8, '0')}"}`
}

describe('a line of a journal', () => {
  it('is read back as what was written', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const line = serializeLine(entry)
        expect(line.endsWith('\n') && line.indexOf('\n') === line.length - 1).toBe(true)
        expect(parseLine(line.slice(0, -1))).toEqual(entry)
      }),
      { numRuns: 500 },
    )
  })

  it('is JSON, one object, for whoever wants to look', () => {
    expect(JSON.parse(serializeLine(TRANSFER))).toMatchObject(TRANSFER)
  })

  it('is nothing when any byte of it has rotted', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.integer({ min: 0, max: 7 }), (entry, where, bit) => {
        const bytes = Buffer.from(serializeLine(entry).slice(0, -1))
        const at = where % bytes.length
        bytes[at] = bytes[at]! ^ (1 << bit)
        expect(parseLine(bytes.toString('utf8'))).toBeUndefined()
      }),
      { numRuns: 1000 },
    )
  })

  it('is nothing when it ends early, wherever', () => {
    fc.assert(
      fc.property(entries, fc.nat(), (entry, where) => {
        const line = serializeLine(entry).slice(0, -1)
        expect(parseLine(line.slice(0, where % line.length))).toBeUndefined()
      }),
    )
  })

  it('never makes the reader fall over, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (line) => {
        expect(parseLine(line)).toBeUndefined()
      }),
    )
  })

  const part = { type: 'part', objectKey: 'a', partNumber: 1, size: 5, etag: 'e' }
  const upload = {
    type: 'upload',
    objectKey: 'a',
    path: '/a',
    source: { size: 1, mtimeNs: '1', inode: '1' },
    uploadId: 'u',
    segmentsPerPart: 1,
    header: 'AAAA',
  }
  it.each<[string, unknown]>([
    ['a part that S3 does not number so', { ...part, partNumber: 10_001 }],
    ['part 0', { ...part, partNumber: 0 }],
    ['half a part number', { ...part, partNumber: 1.5 }],
    ['a size no number can hold exactly', { ...part, size: 2 ** 53 }],
    ['a negative size', { ...part, size: -1 }],
    ['a size as text', { ...part, size: '5' }],
    ['an ETag that steers the terminal', { ...part, etag: '\u001b[2J' }],
    ['an endless ETag', { ...part, etag: 'e'.repeat(5000) }],
    ['an object key longer than S3 has', { ...part, objectKey: 'ä'.repeat(600) }],
    ['an unknown member', { ...part, dataKey: 'AAAA' }],
    ['a relative path', { ...upload, path: 'a' }],
    ['a path with a NUL', { ...upload, path: '/a\0b' }],
    ['a header that is no base64', { ...upload, header: 'AA!A' }],
    ['a source without an inode', { ...upload, source: { size: 1, mtimeNs: '1' } }],
    ['a run that ends before it begins', { type: 'ranges', objectKey: 'a', runs: [[3, 2]] }],
    ['a run of more ranges than an object has', { type: 'ranges', objectKey: 'a', runs: [[0, 1e12]] }],
    ['an unknown type', { type: 'key', objectKey: 'a' }],
    ['a later version', { ...TRANSFER, version: 2 }],
    ['an id that is a path', { ...TRANSFER, id: '../../etc/passwd' }],
    ['no object', ['part']],
  ])('with %s is nothing, right check or not', (_what, entry) => {
    expect(parseLine(forged(entry))).toBeUndefined()
  })

  it('with the right check over right values is what it says', () => {
    expect(parseLine(forged(part))).toEqual(part)
    expect(parseLine(forged(upload))).toEqual(upload)
  })

  it('is never written with values that could not be read', () => {
    expect(() => serializeLine({ ...part, partNumber: 10_001 } as JournalEntry)).toThrow(/partNumber/)
  })
})
