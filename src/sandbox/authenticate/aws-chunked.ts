import { createHash } from 'node:crypto'
import { S3Error } from '../s3-error.ts'
import type { SignatureChain } from './payload-check.ts'
import { sameSignature, scopeText, sha256Hex, signature } from './sigv4.ts'

/** A chunk's size line and the trailer are short; a longer one is no aws-chunked body. Bytes. */
const maxLine = 4096
const maxTrailers = 16
const emptyHash = sha256Hex('')

/** The trailing headers of a body, filled once it was read to its end. */
export type Trailers = Map<string, string>

/**
 * Decodes an aws-chunked body: `SIZE[;chunk-signature=…]CRLF bytes CRLF … 0[;…]CRLF [trailers] CRLF`.
 * Each chunk's signature is verified at the chunk's end: the bytes given before are worth nothing until the whole
 * body was read. Throws SignatureDoesNotMatch, IncompleteBody or InvalidRequest.
 */
export async function* decodeAwsChunked(
  body: AsyncIterable<Buffer>,
  chain: SignatureChain | undefined,
  trailers: Trailers,
): AsyncGenerator<Buffer> {
  const reader = new LineReader(body)
  let previous = chain?.seed ?? ''
  for (;;) {
    const { size, given } = parseSizeLine(await reader.line())
    const hash = chain === undefined ? undefined : createHash('sha256')
    for await (const bytes of reader.bytes(size)) {
      hash?.update(bytes)
      yield bytes
    }
    if (chain !== undefined && hash !== undefined) {
      previous = checkSignature(
        chain,
        'AWS4-HMAC-SHA256-PAYLOAD',
        previous,
        [emptyHash, hash.digest('hex')],
        given,
      )
    }
    if (size === 0) break
    if ((await reader.line()) !== '') throw malformed()
  }
  await readTrailers(reader, chain, previous, trailers)
}

async function readTrailers(
  reader: LineReader,
  chain: SignatureChain | undefined,
  previous: string,
  trailers: Trailers,
): Promise<void> {
  let canonical = ''
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':')
    if (colon < 1 || trailers.size >= maxTrailers) throw malformed()
    const [name, value] = [line.slice(0, colon).toLowerCase().trim(), line.slice(colon + 1).trim()]
    trailers.set(name, value)
    if (name !== 'x-amz-trailer-signature') canonical += `${name}:${value}\n`
  }
  if (chain !== undefined && canonical !== '') {
    const given = trailers.get('x-amz-trailer-signature') ?? ''
    checkSignature(chain, 'AWS4-HMAC-SHA256-TRAILER', previous, [sha256Hex(canonical)], given)
  }
}

function parseSizeLine(line: string): { size: number; given: string } {
  const fields = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line)
  if (fields === null) throw malformed()
  return { size: Number.parseInt(fields[1] ?? '', 16), given: fields[2] ?? '' }
}

function checkSignature(
  chain: SignatureChain,
  kind: string,
  previous: string,
  hashes: readonly string[],
  given: string,
): string {
  const text = [kind, chain.date, scopeText(chain.scope), previous, ...hashes].join('\n')
  const expected = signature(chain.key, text)
  if (!sameSignature(expected, given)) {
    throw new S3Error('SignatureDoesNotMatch', 'the signature of a chunk does not fit its bytes')
  }
  return expected
}

/** Reads lines and counted bytes from a stream of buffers, holding no more than one buffer and one line. */
class LineReader {
  readonly #source: AsyncIterator<Buffer>
  #held: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** A line without its CRLF. The last one may end with the body. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf('\r\n')
      if (end !== -1) {
        const line = this.#held.toString('latin1', 0, end)
        this.#held = this.#held.subarray(end + 2)
        return line
      }
      if (this.#held.length > maxLine) throw malformed()
      const more = await this.#source.next()
      if (more.done === true) {
        if (this.#held.length === 0) return ''
        throw incomplete()
      }
      this.#held = Buffer.concat([this.#held, more.value])
    }
  }

  async *bytes(count: number): AsyncGenerator<Buffer> {
    let left = count
    while (left > 0) {
      if (this.#held.length === 0) {
        const more = await this.#source.next()
        if (more.done === true) throw incomplete()
        this.#held = more.value
      }
      const piece = this.#held.subarray(0, left)
      this.#held = this.#held.subarray(piece.length)
      left -= piece.length
      if (piece.length > 0) yield piece
    }
  }
}

function malformed(): S3Error {
  return new S3Error('InvalidRequest', 'the body is not aws-chunked as announced')
}

function incomplete(): S3Error {
  return new S3Error('IncompleteBody', 'the body ended early')
}
