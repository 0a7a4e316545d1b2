/** Base64 (RFC 4648 §4), without Buffer, so that browsers have it too; strict where Buffer would guess. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const VALUES: ReadonlyMap<string, number> = new Map(
  Array.from(ALPHABET, (character, value) => [character, value]),
)

/** With padding. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let start = 0; start < bytes.length; start += 3) {
    const [first = 0, second, third] = bytes.subarray(start, start + 3)
    const group = (first << 16) | ((second ?? 0) << 8) | (third ?? 0)
    text += letter(group >> 18) + letter(group >> 12)
    text += second === undefined ? '=' : letter(group >> 6)
    text += third === undefined ? '=' : letter(group)
  }
  return text
}

/**
 * Decodes what {@link encodeBase64} could have written, padded or not; undefined for anything else: foreign
 * characters, a wrong length, bits left over.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const letters = text.length % 4 === 0 ? text.replace(/={1,2}$/, '') : text
  const bytes = new Uint8Array(Math.floor((letters.length * 3) / 4))
  let bits = 0
  let bitCount = 0
  let written = 0
  for (const character of letters) {
    const value = VALUES.get(character)
    if (value === undefined) return undefined
    bits = ((bits << 6) | value) & 0xffff
    bitCount += 6
    if (bitCount < 8) continue
    bitCount -= 8
    bytes[written] = bits >> bitCount
    written += 1
  }
  // One letter alone holds no byte, and the bits behind the last byte are zero: each key has one spelling.
  return bitCount >= 6 || (bits & ((1 << bitCount) - 1)) !== 0 ? undefined : bytes
}

function letter(bits: number): string {
  return ALPHABET.charAt(bits & 63)
}
