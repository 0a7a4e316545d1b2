/** Whether the bytes of an object are those its ETag was made of. Synchronous, so that worker threads can do it. */
import { createHash } from 'node:crypto'
import { MD5_HEX } from '../../storage/multipart-etag.ts'
import { candidateLayouts, partsOf, type PartLayout } from './part-layouts.ts'

/**
 * `differs`: these bytes are not the ones that were stored. `unknown layout`: no usual way to cut it into parts gives the
 * ETag, which proves nothing. `no md5`: the ETag is none, as with the server's own encryption (SSE-KMS).
 */
export type EtagVerdict = 'matches' | 'differs' | 'unknown layout' | 'no md5'

/** What is to be computed. */
export interface EtagQuestion {
  /** In lower case. */
  etag: string
  /** Undefined for an ETag that is the MD5 of the whole object. */
  layouts: readonly PartLayout[] | undefined
}

export interface AnsweredEtag {
  verdict: EtagVerdict
  /** The parts that gave the ETag. */
  layout?: PartLayout | undefined
}

/**
 * What of an object has to be hashed for its ETag; undefined where that is no MD5.
 *
 * @param size - bytes of the object
 * @param headerLength - bytes of its Crypt4GH header, where it has one
 */
export function etagQuestion(
  storedEtag: string,
  size: number,
  headerLength: number | undefined,
): EtagQuestion | undefined {
  const etag = storedEtag.toLowerCase()
  if (MD5_HEX.test(etag)) return { etag, layouts: undefined }
  const [, parts] = /^[0-9a-f]{32}-([1-9]\d{0,4})$/.exec(etag) ?? []
  return parts === undefined
    ? undefined
    : { etag, layouts: candidateLayouts(size, Number(parts), headerLength) }
}

/** Takes the object's bytes in their order. */
export class EtagCheck {
  readonly #question: EtagQuestion
  readonly #whole = createHash('md5')
  readonly #hashes: readonly LayoutHash[]

  constructor(question: EtagQuestion) {
    this.#question = question
    this.#hashes = (question.layouts ?? []).map((layout) => new LayoutHash(layout))
  }

  update(bytes: Uint8Array): void {
    if (this.#question.layouts === undefined) this.#whole.update(bytes)
    for (const hash of this.#hashes) hash.update(bytes)
  }

  end(): AnsweredEtag {
    const { etag, layouts } = this.#question
    if (layouts === undefined) return { verdict: this.#whole.digest('hex') === etag ? 'matches' : 'differs' }
    const found = this.#hashes.find((hash) => hash.end() === etag)
    if (found !== undefined) return { verdict: 'matches', layout: found.layout }
    // A single part can only have been cut in one way.
    const isCertain = layouts.some((layout) => partsOf(layout) === 1)
    return { verdict: isCertain ? 'differs' : 'unknown layout' }
  }
}

/** The ETag that one layout gives: the MD5 of the parts' MD5s. */
class LayoutHash {
  readonly layout: PartLayout
  readonly #parts = createHash('md5')
  #part = createHash('md5')
  #run = 0
  /** Parts of the run that are complete. */
  #done = 0
  #left: number

  constructor(layout: PartLayout) {
    this.layout = layout
    this.#left = layout[0]?.size ?? 0
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#left === 0) throw new RangeError('more bytes than the layout has')
      const piece = bytes.subarray(at, at + this.#left)
      this.#part.update(piece)
      at += piece.length
      this.#left -= piece.length
      if (this.#left === 0) this.#endPart()
    }
  }

  end(): string {
    // Only the one part of an empty object has not ended by itself.
    if (this.layout[this.#run]?.size === 0) this.#endPart()
    if (this.#run < this.layout.length) throw new RangeError('fewer bytes than the layout has')
    return `${this.#parts.digest('hex')}-${partsOf(this.layout)}`
  }

  #endPart(): void {
    this.#parts.update(this.#part.digest())
    this.#part = createHash('md5')
    this.#done += 1
    if (this.#done >= (this.layout[this.#run]?.count ?? 0)) {
      this.#run += 1
      this.#done = 0
    }
    this.#left = this.layout[this.#run]?.size ?? 0
  }
}
