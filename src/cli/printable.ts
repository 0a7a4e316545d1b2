/**
 * Text from outside (object keys, server messages, comments in key files) for a terminal. Whoever names an object
 * could otherwise send escape sequences that recolour, hide or rewrite lines, or reverse the reading direction.
 */

/** C0, DEL and C1 controls, line and paragraph separators, bidirectional controls, zero-width characters, lone surrogates. */
const UNPRINTABLE = new RegExp(
  [
    '[\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]',
    '[\\u061c\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb]',
    '\\p{Surrogate}',
  ].join('|'),
  'gu',
)

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** The text on one line with everything invisible shown as an escape: `\n`, `\x1b`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT_ESCAPES[character] ?? escapeOf(character))
}

/** JSON for a terminal or a file, in one line with `indent` 0: the same characters as JSON escapes, so that parsing it gives the very same strings. */
export function printableJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, undefined, indent).replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : `\\u${hex(character, 4)}`,
  )
}

function escapeOf(character: string): string {
  return character.charCodeAt(0) < 0x100 ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0')
}
