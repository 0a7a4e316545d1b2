import type { FoundJournal } from '../../src/transfer/journal/list-journals.ts'
import type { AnsweredRequest } from './recording-proxy.ts'

/** A run: what the server answered, and the journal that lay there when it had been killed. */
export interface PastRun {
  answered: readonly AnsweredRequest[]
  journal: FoundJournal | undefined
}

export interface Repeats {
  /** Pieces that were moved once more although the server had answered for them. */
  again: number
  /** Those of them that were written down as done before. */
  recorded: string[]
}

/**
 * Parts that were sent again.
 *
 * @param newHeader - each run goes on under a header of its own: part 1 must be sent again and does not count
 */
export function repeatedParts(history: readonly PastRun[], newHeader: boolean): Repeats {
  return repeats(
    history,
    ({ method, uploadId, partNumber }) => {
      if (method !== 'PUT' || uploadId === undefined || partNumber === undefined) return undefined
      return newHeader && partNumber === 1 ? undefined : `${uploadId} ${partNumber}`
    },
    ({ state }) =>
      [...(state?.uploads.values() ?? [])].flatMap(({ begun, parts }) =>
        [...parts.keys()].map((partNumber) => `${begun.uploadId} ${partNumber}`),
      ),
  )
}

/** Ranges that were fetched again; the header is fetched by every run. */
export function repeatedRanges(history: readonly PastRun[], headerLength: number): Repeats {
  return repeats(
    history,
    ({ method, range }) => {
      const start = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)
      return method === 'GET' && start >= headerLength ? `from ${start}` : undefined
    },
    ({ state }) =>
      [...(state?.downloads.values() ?? [])].flatMap(({ begun, ranges }) =>
        [...ranges].map((index) => `from ${headerLength + index * begun.rangeSize}`),
      ),
  )
}

function repeats(
  history: readonly PastRun[],
  pieceOf: (request: AnsweredRequest) => string | undefined,
  piecesIn: (journal: FoundJournal) => readonly string[],
): Repeats {
  const moved = new Set<string>()
  const writtenDown = new Set<string>()
  const recorded: string[] = []
  let again = 0
  for (const { answered, journal } of history) {
    for (const request of answered) {
      const piece = request.status < 300 ? pieceOf(request) : undefined
      if (piece === undefined) continue
      if (moved.has(piece)) again += 1
      if (writtenDown.has(piece)) recorded.push(piece)
      moved.add(piece)
    }
    for (const piece of journal === undefined ? [] : piecesIn(journal)) writtenDown.add(piece)
  }
  return { again, recorded }
}
