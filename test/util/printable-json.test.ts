import fc from 'fast-check'
import { expect, it } from 'vitest'
import { escapeUnprintable } from '../../src/util/printable-json.ts'

it('nothing that steers a terminal is left in JSON, and it says the same', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const escaped = escapeUnprintable(JSON.stringify(value, undefined, 2))
      expect(escaped).not.toMatch(/[^\n\P{Cc}]|[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u)
      expect(JSON.parse(escaped)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

it.each([
  ['\u009b31m', '"\\u009b31m"'],
  ['\u007f', '"\\u007f"'],
  ['gepj.\u202eexe', '"gepj.\\u202eexe"'],
  ['näyte 🧬', '"näyte 🧬"'],
])('%j is written as %s', (text, written) => {
  expect(escapeUnprintable(JSON.stringify(text))).toBe(written)
})
