/**
 * Opens the segments of a body one after the other and throws the plaintext away, but for its digest. Synchronous, so
 * that worker threads can do it. One that is not genuine does not end it.
 */
import { createHash } from 'node:crypto'
import { coveredSegments, type SegmentRun } from '../../crypto/crypt4gh/covered-segments.ts'
import { keptRanges, rangesWithin, type KeptRange } from '../../crypto/crypt4gh/edit-list.ts'
import { ENCRYPTED_SEGMENT_SIZE, MAC_SIZE, NONCE_SIZE, SEGMENT_SIZE } from '../../crypto/crypt4gh/format.ts'
import { MARK_SIZE, NonceRecord } from '../../crypto/crypt4gh/nonce-record.ts'
import { segmentOpener, type OpenSegment } from '../../crypto/crypt4gh/segment.ts'
import { hasCode } from '../../util/errors.ts'
import { hiddenFinding, nonceFindings, runs, type Finding } from '../findings.ts'

/** What is needed to open a body. */
export interface SegmentsQuestion {
  dataKeys: readonly Uint8Array[]
  editList: readonly bigint[] | undefined
  /** Of the body. */
  segments: number
}

/** Something odd about an object that is whole all the same; docs/verify.md explains each. */
export interface ObjectFinding {
  finding: Finding['finding'] | 'hidden-segments-damaged' | 'etag-differs' | 'not-recorded'
  /** For people. */
  message: string
}

export interface AnsweredSegments {
  /** Segments whose tag was checked, right or wrong. */
  checked: number
  /** Segments that its reader gets and that are damaged or forged. */
  badCount: number
  /** The first {@link MOST_RUNS} runs of them. */
  bad: SegmentRun[]
  /** Segments that the edit list skips whole. */
  skipped: SegmentRun[]
  findings: ObjectFinding[]
  /** Of the plaintext its reader gets, hex; undefined when a segment of it is bad. */
  sha256: string | undefined
}

/** Runs that are kept: an edit list or an unlucky disk can make very many. */
const MOST_RUNS = 100

/** Takes the body in pieces of whole segments, but for the last. */
export class SegmentsCheck {
  readonly #question: SegmentsQuestion
  readonly #openers: readonly OpenSegment[]
  /** By data key; those of keys that opened nothing yet are not made. */
  readonly #records: (NonceRecord | undefined)[]
  readonly #kept: readonly KeptRange[]
  readonly #plain = new Uint8Array(SEGMENT_SIZE)
  readonly #sha256 = createHash('sha256')
  readonly #mark = new Uint8Array(MARK_SIZE)
  readonly #bad = new RunCount()
  readonly #badHidden = new RunCount()
  #segment = 0
  #lastKey = 0

  /** @param question - its data keys are wiped when the check ends */
  constructor(question: SegmentsQuestion) {
    this.#question = question
    this.#openers = question.dataKeys.map((dataKey) => segmentOpener([dataKey]))
    this.#records = question.dataKeys.map(() => undefined)
    this.#kept = keptRanges(question.editList ?? [])
  }

  update(body: Uint8Array): void {
    for (let at = 0; at < body.length; at += ENCRYPTED_SEGMENT_SIZE) {
      this.#check(body.subarray(at, at + ENCRYPTED_SEGMENT_SIZE))
    }
  }

  end(): AnsweredSegments {
    const { segments, editList } = this.#question
    if (this.#segment !== segments) throw new RangeError(`${this.#segment} of ${segments} segments came`)
    this.wipe()
    const { hidden } = coveredSegments(segments, editList)
    const opened = segments - this.#bad.count - this.#badHidden.count
    const records = this.#records.filter((record) => record !== undefined)
    return {
      checked: segments,
      badCount: this.#bad.count,
      bad: this.#bad.runs,
      skipped: hidden.slice(0, MOST_RUNS),
      findings: [...hiddenFinding(hidden), ...this.#damagedHidden(), ...nonceFindings(records, opened)],
      sha256: this.#bad.count === 0 ? this.#sha256.digest('hex') : undefined,
    }
  }

  /** Forgets the keys and the plaintext; for a check that is given up as well. */
  wipe(): void {
    this.#plain.fill(0)
    for (const dataKey of this.#question.dataKeys) dataKey.fill(0)
  }

  #check(segment: Uint8Array): void {
    const number = this.#segment
    this.#segment += 1
    const start = number * SEGMENT_SIZE
    const kept = rangesWithin(this.#kept, start, start + SEGMENT_SIZE)
    const opened = this.#open(segment, number)
    if (opened === undefined) {
      const bad = kept.length > 0 ? this.#bad : this.#badHidden
      bad.add(number)
      return
    }
    this.#recordNonce(segment, number)
    for (const range of kept) {
      this.#sha256.update(this.#plain.subarray(range.start - start, Math.min(opened, range.end - start)))
    }
  }

  /** Bytes of plaintext; undefined when no data key opens it. The last key that did is tried first. */
  #open(segment: Uint8Array, number: number): number | undefined {
    for (let tried = 0; tried < this.#openers.length; tried += 1) {
      const key = (this.#lastKey + tried) % this.#openers.length
      try {
        const length = this.#openers[key]?.(segment, this.#plain, 0, number)
        this.#lastKey = key
        return length
      } catch (error) {
        if (!hasCode(error, 'AUTHENTICATION_FAILED')) throw error
      }
    }
    return undefined
  }

  #recordNonce(segment: Uint8Array, number: number): void {
    const macAt = segment.length - MAC_SIZE
    this.#mark.set(segment.subarray(0, NONCE_SIZE))
    this.#mark.set(segment.subarray(macAt, macAt + MARK_SIZE - NONCE_SIZE), NONCE_SIZE)
    const record = (this.#records[this.#lastKey] ??= new NonceRecord())
    record.add(this.#mark, number)
  }

  #damagedHidden(): ObjectFinding[] {
    const { count, runs: list } = this.#badHidden
    if (count === 0) return []
    const message = `${count} of the segments that the edit list skips open with none of the data keys (${runs(list)}): they are no part of the file, and damaged or somebody else's`
    return [{ finding: 'hidden-segments-damaged', message }]
  }
}

/** Numbers in ascending order, as runs. */
class RunCount {
  count = 0
  readonly runs: SegmentRun[] = []

  add(number: number): void {
    this.count += 1
    const last = this.runs.at(-1)
    if (last !== undefined && last.first + last.count === number) last.count += 1
    else if (this.runs.length < MOST_RUNS) this.runs.push({ first: number, count: 1 })
  }
}
