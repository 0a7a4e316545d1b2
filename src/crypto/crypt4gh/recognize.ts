/** What some bytes are, from the outside: Crypt4GH, perhaps a body whose header is kept elsewhere, or something else. */
import { ENCRYPTED_SEGMENT_SIZE, HEADER_PREFIX_SIZE, MAGIC_NUMBER, SEGMENT_OVERHEAD } from './format.ts'
import { looksLikeCrypt4gh } from './header.ts'

export interface Recognized {
  /** `headerless` is a guess: encrypted bytes look alike, whoever made them. */
  content: 'crypt4gh' | 'headerless' | 'empty' | 'other'
  /** What speaks for it, as phrases. */
  reasons: string[]
}

/** A body without its header looks like nothing in particular: so what looks like something is none. */
const FORMATS: readonly (readonly [format: string, magic: readonly number[]])[] = [
  ['gzip, as BAM and FASTQ.gz are', [0x1f, 0x8b]],
  ['CRAM', [0x43, 0x52, 0x41, 0x4d]],
  ['zip', [0x50, 0x4b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['7-Zip', [0x37, 0x7a, 0xbc, 0xaf]],
  ['age', [...new TextEncoder().encode('age-encryption.org')]],
  ['OpenSSL enc', [...new TextEncoder().encode('Salted__')]],
]

/** Bytes from which a chi-squared test says something; without so many, only the name can. */
const ENOUGH_BYTES = 4096

/**
 * Recognizes a file or object.
 *
 * @param prefix - its first bytes; 4 KiB and more make the guess better
 * @param size - of the whole, bytes
 * @param name - of the file or object: SD Connect keeps the ending `.c4gh`
 */
export function recognize(prefix: Uint8Array, size: number, name: string): Recognized {
  if (size === 0) return { content: 'empty', reasons: ['it has no bytes at all'] }
  if (looksLikeCrypt4gh(prefix)) return { content: 'crypt4gh', reasons: ['it begins with "crypt4gh"'] }
  const format = formatOf(prefix)
  if (format !== undefined) return { content: 'other', reasons: [`it looks like ${format}`] }
  const reasons = headerlessReasons(prefix, size, name)
  return reasons === undefined
    ? { content: 'other', reasons: ['it does not begin with "crypt4gh"'] }
    : { content: 'headerless', reasons }
}

function formatOf(prefix: Uint8Array): string | undefined {
  const known = FORMATS.find(([, magic]) => magic.every((byte, index) => prefix[index] === byte))
  if (known !== undefined) return known[0]
  const alike = MAGIC_NUMBER.filter((byte, index) => prefix[index] === byte).length
  if (alike >= Math.min(5, prefix.length)) return 'a damaged or cut-off Crypt4GH header'
  const printable = prefix.filter((byte) => byte >= 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
  return printable.length === prefix.length && prefix.every((byte) => byte < 0x80) ? 'text' : undefined
}

/** Why it may be a body alone: the size is possible, the bytes look random, and there are enough or the name says it. */
function headerlessReasons(prefix: Uint8Array, size: number, name: string): string[] | undefined {
  const tail = size % ENCRYPTED_SEGMENT_SIZE
  if (size < HEADER_PREFIX_SIZE || (tail > 0 && tail < SEGMENT_OVERHEAD)) return undefined
  const named = /\.c4gh$/i.test(name)
  if (!looksRandom(prefix) || (prefix.length < ENOUGH_BYTES && !named)) return undefined
  return [
    'it has no Crypt4GH header, and its bytes look random, as encrypted ones do',
    'its size is one that Crypt4GH segments can have',
    ...(named ? ['its name ends in .c4gh'] : []),
  ]
}

/** Chi-squared test of the byte counts: 255 on average for random bytes, with a deviation of 23. */
function looksRandom(bytes: Uint8Array): boolean {
  const counts = new Uint32Array(256)
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1
  const expected = bytes.length / 256
  const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  return chiSquared < 255 + 8 * 23
}
