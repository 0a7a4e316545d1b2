/**
 * Text from outside (object keys, server messages, comments in key files) for a terminal. Whoever names an object
 * could otherwise send escape sequences that recolour, hide or rewrite lines, or reverse the reading direction.
 */
import { escapeUnprintable, UNPRINTABLE } from '../util/printable-json.ts'

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** The text on one line with everything invisible shown as an escape: `\n`, `\x1b`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT_ESCAPES[character] ?? escapeOf(character))
}

/** JSON for a terminal or a file, in one line with `indent` 0: the same characters as JSON escapes, so that parsing it gives the very same strings. */
export function printableJson(value: unknown, indent = 2): string {
  return escapeUnprintable(JSON.stringify(value, undefined, indent))
}

function escapeOf(character: string): string {
  return character.charCodeAt(0) < 0x100 ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0')
}
