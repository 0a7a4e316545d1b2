import { createHash, type Hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { headerText } from './http-headers.ts'
import { decodeAwsChunked, type Trailers } from './authenticate/aws-chunked.ts'
import type { PayloadCheck } from './authenticate/payload-check.ts'
import { announcedChecksum, type Checksum } from './checksums.ts'
import type { Rules } from './rules.ts'
import { S3Error } from './s3-error.ts'

/** Largest object or part in one request (S3 API: 5 GiB). */
const maxContentLength = 5 * 1024 ** 3

/** The body of a request: nothing is asked of the client before an operation wants it. */
export class RequestBody {
  readonly #message: IncomingMessage
  readonly #check: PayloadCheck
  readonly #checksums: Rules['checksums']
  readonly #beforeReading: () => void
  /** A fault: bytes behind this one are lost on the way to the disk. */
  truncateAt: number | undefined
  #md5: string | undefined

  /** `beforeReading` sends the 100-continue some clients wait for. */
  constructor(
    message: IncomingMessage,
    check: PayloadCheck,
    checksums: Rules['checksums'],
    beforeReading: () => void,
  ) {
    this.#message = message
    this.#check = check
    this.#checksums = checksums
    this.#beforeReading = beforeReading
  }

  /**
   * MD5 in hex of what {@link bytes} gave, once it ended, when it was computed anyway because the client sent one: of a
   * large part nothing costs the server more.
   */
  get md5(): string | undefined {
    return this.truncateAt === undefined ? this.#md5 : undefined
  }

  /** Whether {@link md5} will be there. */
  get computesMd5(): boolean {
    return this.truncateAt === undefined && this.#message.headers['content-md5'] !== undefined
  }

  /** A short body as text. Throws what {@link bytes} throws, and MalformedXML beyond `limit` bytes. */
  async text(limit: number): Promise<string> {
    const pieces: Buffer[] = []
    let size = 0
    for await (const piece of this.bytes()) {
      size += piece.length
      if (size > limit) throw new S3Error('MalformedXML', `the body is longer than ${limit} bytes`)
      pieces.push(piece)
    }
    return Buffer.concat(pieces).toString('utf8')
  }

  /**
   * The decoded bytes as they arrive. Their length, signature and checksums are known only at the end, so the end
   * throws and what was written has to be thrown away: XAmzContentSHA256Mismatch, BadDigest, IncompleteBody,
   * SignatureDoesNotMatch; before the first byte MissingContentLength, EntityTooLarge, InvalidDigest.
   */
  async *bytes(): AsyncGenerator<Buffer> {
    const { headers } = this.#message
    const expected = contentLength(this.#message, this.#check)
    const sha256 =
      this.#check.kind === 'plain' && this.#check.sha256 !== undefined ? createHash('sha256') : undefined
    const md5 = contentMd5(headerText(headers, 'content-md5'))
    const checksum = this.#checksums === 'verified' ? announcedChecksum(headers) : undefined
    const trailers: Trailers = new Map()
    this.#beforeReading()

    let size = 0
    let left = this.truncateAt ?? Number.POSITIVE_INFINITY
    for await (const piece of this.#decoded(trailers)) {
      size += piece.length
      if (size > expected) throw new S3Error('IncompleteBody', 'the body is longer than announced')
      sha256?.update(piece)
      md5?.hash.update(piece)
      checksum?.update(piece)
      if (left > 0) yield piece.subarray(0, left)
      left -= piece.length
    }
    if (size !== expected) throw new S3Error('IncompleteBody', 'the body is shorter than announced')
    this.#verify(sha256, md5, checksum, trailers)
  }

  #verify(
    sha256: Hash | undefined,
    md5: { hash: Hash; wanted: string } | undefined,
    checksum: Checksum | undefined,
    trailers: Trailers,
  ): void {
    if (this.#check.kind === 'plain' && sha256 !== undefined && sha256.digest('hex') !== this.#check.sha256) {
      throw new S3Error('XAmzContentSHA256Mismatch', 'the body is not the one that was signed')
    }
    if (md5 !== undefined) {
      const digest = md5.hash.digest()
      if (digest.toString('base64') !== md5.wanted) {
        throw new S3Error('BadDigest', 'the body does not have the MD5 of Content-MD5')
      }
      this.#md5 = digest.toString('hex')
    }
    checksum?.verify(trailers)
  }

  #decoded(trailers: Trailers): AsyncIterable<Buffer> {
    // Giving up on a body must leave the connection open for the answer.
    const message: AsyncIterable<Buffer> = this.#message.iterator({ destroyOnReturn: false })
    return this.#check.kind === 'aws-chunked'
      ? decodeAwsChunked(message, this.#check.chain, trailers)
      : message
  }
}

/** How many decoded bytes the body has to have. */
function contentLength(message: IncomingMessage, check: PayloadCheck): number {
  const name = check.kind === 'aws-chunked' ? 'x-amz-decoded-content-length' : 'content-length'
  const text = headerText(message.headers, name)
  if (text === undefined || !/^\d{1,15}$/.test(text)) {
    throw new S3Error('MissingContentLength', `${name} is missing`)
  }
  const length = Number(text)
  if (length > maxContentLength) throw new S3Error('EntityTooLarge', 'a request has at most 5 GiB')
  return length
}

function contentMd5(wanted: string | undefined): { hash: Hash; wanted: string } | undefined {
  if (wanted === undefined) return undefined
  if (Buffer.from(wanted, 'base64').length !== 16) throw new S3Error('InvalidDigest', 'Content-MD5 is no MD5')
  return { hash: createHash('md5'), wanted }
}
