import { EtagCheck, type AnsweredEtag, type EtagQuestion } from './etag-check.ts'
import { SegmentsCheck, type AnsweredSegments, type SegmentsQuestion } from './segments-check.ts'

/** What may be asked about the bytes of an object. */
export type Question =
  { about: 'etag'; question: EtagQuestion } | { about: 'segments'; question: SegmentsQuestion }

export type Answer = { about: 'etag'; answer: AnsweredEtag } | { about: 'segments'; answer: AnsweredSegments }

/** A check that takes bytes in their order. */
export interface RunningCheck {
  update(bytes: Uint8Array): void
  end(): Answer
  /** Gives it up; nothing secret stays. */
  drop(): void
}

export function startCheck({ about, question }: Question): RunningCheck {
  if (about === 'segments') {
    const check = new SegmentsCheck(question)
    return {
      update: (bytes) => {
        check.update(bytes)
      },
      end: () => ({ about: 'segments', answer: check.end() }),
      drop: () => {
        check.wipe()
      },
    }
  }
  const check = new EtagCheck(question)
  return {
    update: (bytes) => {
      check.update(bytes)
    },
    end: () => ({ about: 'etag', answer: check.end() }),
    drop: () => undefined,
  }
}
