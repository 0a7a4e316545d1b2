/** Text from outside that must not steer a terminal, whether it is printed or shown from a file. */

/** C0, DEL and C1 controls, line and paragraph separators, bidirectional controls, zero-width characters, lone surrogates. */
export const UNPRINTABLE = new RegExp(
  [
    '[\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]',
    '[\\u061c\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb]',
    '\\p{Surrogate}',
  ].join('|'),
  'gu',
)

/**
 * JSON with everything invisible as JSON escapes, so that parsing it gives the very same strings. Line feeds stay: in JSON
 * they only stand between values.
 */
export function escapeUnprintable(json: string): string {
  return json.replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
