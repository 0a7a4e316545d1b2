import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable, printableJson } from '../../src/cli/printable.ts'

const HOSTILE = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u

describe('names from a hostile server', () => {
  it.each([
    ['run_12/reads.bam', 'run_12/reads.bam'],
    ['näyte 1+2 – 中文 🧬', 'näyte 1+2 – 中文 🧬'],
    ['a\u001b[2Jb', 'a\\x1b[2Jb'],
    ['a\u009b31mb', 'a\\x9b31mb'],
    ['ok\r\nerror: fake', 'ok\\r\\nerror: fake'],
    ['gepj.\u202eexe', 'gepj.\\u202eexe'],
    ['a\u2066b\u200bc', 'a\\u2066b\\u200bc'],
    ['half \ud83e pair', 'half \\ud83e pair'],
    ['\u0007\u007f', '\\x07\\x7f'],
  ])('%j is shown as %s', (name, shown) => {
    expect(printable(name)).toBe(shown)
  })

  it('never reach the terminal as control characters, in text or JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        expect(printable(name)).not.toMatch(HOSTILE)
        expect(printableJson(name)).not.toMatch(HOSTILE)
      }),
    )
  })

  it('come out of --json unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (names) => {
        expect(JSON.parse(printableJson({ names }))).toEqual({ names })
      }),
    )
  })
})
