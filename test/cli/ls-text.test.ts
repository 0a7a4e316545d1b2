import { describe, expect, it } from 'vitest'
import { folderLine, LsLines, lsSummary } from '../../src/cli/ls-text.ts'

const object = {
  objectKey: 'run_12/reads.bam.c4gh',
  size: 70_180,
  lastModified: new Date('2026-11-21T02:55:17Z'),
  ownerId: 'project_2000111',
}

describe('a line of a listing', () => {
  it('has the owner where the server tells it', () => {
    const lines = new LsLines({ identities: false })
    expect(lines.of({ ...object, ownerId: undefined })).toBe(
      '68.5 KiB  2026-11-21T02:55:17Z  run_12/reads.bam.c4gh',
    )
    expect(lines.of(object)).toBe('68.5 KiB  2026-11-21T02:55:17Z  project_2000111  run_12/reads.bam.c4gh')
    expect(lines.of({ ...object, ownerId: 'short' })).toContain('  short            run_12/')
    expect(lines.of({ ...object, ownerId: undefined })).toContain('  -                run_12/')
    expect(lines.of({ ...object, ownerId: 'a'.repeat(64) })).toContain(`  ${'a'.repeat(23)}…  run_12/`)
  })

  it('says what the header says', () => {
    const long = { ...object, format: 'crypt4gh', packets: 2, plaintextSize: 70_000 }
    const tail = (line: string): string => line.slice(line.indexOf('project_2000111') + 17)
    const plain = new LsLines({ identities: false })
    expect(tail(plain.of(long))).toBe('crypt4gh     68.4 KiB  2 packets   run_12/reads.bam.c4gh')
    expect(tail(plain.of({ ...object, format: 'other' }))).toBe(
      'other               -  -           run_12/reads.bam.c4gh',
    )
    const opening = new LsLines({ identities: true })
    expect(tail(opening.of({ ...long, canOpen: true }))).toContain('2 packets   opens     run_12/')
    expect(tail(opening.of({ ...long, canOpen: false }))).toContain('2 packets   not ours  run_12/')
    expect(tail(opening.of({ ...object, format: 'other' }))).toContain('-           -         run_12/')
  })

  it('cannot steer the terminal', () => {
    const line = new LsLines({ identities: false }).of({
      ...object,
      ownerId: 'a\u001b[2J',
      objectKey: 'b\n\u202e',
    })
    expect(line).toContain('a\\x1b[2J  b\\n\\u202e')
    expect(folderLine({ folder: 'a\u001b/', objects: 1, size: 1 })).toContain('a\\x1b/')
  })
})

describe('totals', () => {
  it('of folders', () => {
    expect(folderLine({ folder: 'run_12/', objects: 1200, size: 5 * 1024 ** 3 })).toBe(
      '   5 GiB     1200 objects  run_12/',
    )
    expect(folderLine({ folder: '', objects: 1, size: 10, plaintextSize: 6 })).toBe(
      '    10 B       6 B        1 object   (in no folder)',
    )
  })

  it('of all', () => {
    expect(lsSummary({ count: 1, totalSize: 10 })).toBe('1 object, 10 B')
    const all = { count: 3, totalSize: 1024, totalPlaintextSize: 512, openable: 2, notOpenable: 1 }
    expect(lsSummary({ ...all, unreadable: 0 })).toBe(
      '3 objects, 1 KiB; 512 B of plaintext in Crypt4GH\n2 can be opened, 1 are not ours',
    )
    expect(lsSummary({ ...all, unreadable: 1 })).toMatch(/\n1 object could not be read/)
  })
})
