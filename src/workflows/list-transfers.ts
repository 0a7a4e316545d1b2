import type { JournalState } from '../transfer/journal/journal-state.ts'
import { listJournals, type FoundJournal } from '../transfer/journal/list-journals.ts'
import { formatS3Url } from './s3-url.ts'

/** An unfinished transfer of this machine: the --json contract. */
export interface ListedTransfer {
  id: string
  direction: 'upload' | 'download' | undefined
  endpoint: string | undefined
  /** Paths or an s3 address; one path or address is where it goes. */
  from: string[]
  to: string | undefined
  /** Files or objects that are done. */
  filesDone: number
  /** Parts of the unfinished uploads that are stored, or ranges of the unfinished downloads that are written. */
  piecesDone: number
  /** Bytes of objects that are done, and of those pieces. */
  bytesDone: number
  startedAt: string | undefined
  /** When it last got further. */
  changedAt: Date
  /** The process that is at it now. */
  running: { pid: number; host: string } | undefined
  /** Words of the command line, and the folder it runs in. */
  command: string[]
  folder: string | undefined
  /** Why it can't be gone on with, for a journal that can't be read. */
  damage: string | undefined
}

/**
 * The unfinished transfers, the latest first.
 *
 * @throws AppError FILE_UNREADABLE
 */
export async function listTransfers(stateFolder: string): Promise<ListedTransfer[]> {
  return (await listJournals(stateFolder)).map(listedTransfer)
}

function listedTransfer({ id, state, damage, holder, changedAt }: FoundJournal): ListedTransfer {
  const running = holder && { pid: holder.pid, host: holder.host }
  if (state === undefined) return { ...UNKNOWN, id, changedAt, running, damage: damage?.message }
  const { direction, endpoint, bucket, objectKey, paths, startedAt, command, folder } = state.transfer
  const address = formatS3Url(bucket, objectKey)
  return {
    id,
    direction,
    endpoint,
    from: direction === 'upload' ? [...paths] : [address],
    to: direction === 'upload' ? address : paths[0],
    ...progressOf(state),
    startedAt,
    changedAt,
    running,
    command: [...command],
    folder,
    damage: undefined,
  }
}

/** What a journal says that can't be read. */
const UNKNOWN = {
  direction: undefined,
  endpoint: undefined,
  from: [],
  to: undefined,
  filesDone: 0,
  piecesDone: 0,
  bytesDone: 0,
  startedAt: undefined,
  command: [],
  folder: undefined,
} satisfies Partial<ListedTransfer>

function progressOf({ uploads, objects, downloads, files }: JournalState): {
  filesDone: number
  piecesDone: number
  bytesDone: number
} {
  let piecesDone = 0
  let bytesDone = 0
  for (const { parts } of uploads.values()) {
    piecesDone += parts.size
    for (const { size } of parts.values()) bytesDone += size
  }
  for (const { begun, ranges } of downloads.values()) {
    piecesDone += ranges.size
    bytesDone += Math.min(begun.size, ranges.size * begun.rangeSize)
  }
  for (const { size } of objects.values()) bytesDone += size
  for (const { file } of files.values()) bytesDone += file.size
  return { filesDone: objects.size + files.size, piecesDone, bytesDone }
}
