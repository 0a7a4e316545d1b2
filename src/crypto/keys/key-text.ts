/**
 * The text around keys: PEM blocks, and lines such as OpenSSH's public keys. What a block holds is decided
 * by its bytes and never by its label, which every implementation writes differently.
 */
import { decodeBase64 as base64Bytes, encodeBase64 } from '../../util/base64.ts'
import { AppError } from '../../util/errors.ts'

/** Bytes of a key file; ten thousand recipients fit. */
const LARGEST_KEY_FILE = 1_048_576

export interface PemBlock {
  label: string
  bytes: Uint8Array
}

/** A PEM block, or a line outside of one that is neither blank nor a `#` comment. */
export type KeyText = { block: PemBlock } | { line: string }

/**
 * Splits a key file. Takes CRLF, blank lines, a byte order mark, base64 wrapped anywhere, and blocks put
 * together by `cat` without a line end between them.
 *
 * @throws {@link AppError} INVALID_KEY for a file that is too large, a block that doesn't end, or bad base64
 */
export function splitKeyText(content: Uint8Array): KeyText[] {
  if (content.length > LARGEST_KEY_FILE) {
    throw new AppError('INVALID_KEY', `${content.length} bytes are too many for a key file`)
  }
  const text = new TextDecoder().decode(content).replaceAll('----------BEGIN', '-----\n-----BEGIN')
  const found: KeyText[] = []
  let open: { label: string; base64: string } | undefined
  for (const line of text.split(/\r\n|\r|\n/).map((untrimmed) => untrimmed.trim())) {
    const boundary = /^-----(BEGIN|END) (.*)-----$/.exec(line)
    const [, side, label = ''] = boundary ?? []
    if (side === 'BEGIN') {
      if (open !== undefined) break
      open = { label, base64: '' }
    } else if (side === 'END' && open !== undefined) {
      found.push({ block: { label: open.label, bytes: decodeBase64(open.base64) } })
      open = undefined
    } else if (open !== undefined) {
      open.base64 += line
    } else if (line !== '' && !line.startsWith('#')) {
      found.push({ line })
    }
  }
  if (open !== undefined) throw new AppError('INVALID_KEY', 'it has a "-----BEGIN" without its "-----END"')
  return found
}

/** A PEM block with its base64 on one line, as all readers of Crypt4GH keys take it. */
export function serializePem(label: string, bytes: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${encodeBase64(bytes)}\n-----END ${label}-----\n`
}

/**
 * Decodes base64, white space apart, strictly: with a letter skipped it would be a different key.
 *
 * @throws {@link AppError} INVALID_KEY
 */
export function decodeBase64(base64: string): Uint8Array {
  const bytes = base64Bytes(base64.replaceAll(/\s/g, ''))
  if (bytes === undefined) throw new AppError('INVALID_KEY', 'its base64 is damaged')
  return bytes
}
