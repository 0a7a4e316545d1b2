import type {
  DownloadBegun,
  FileWritten,
  JournalEntry,
  ObjectSending,
  ObjectStored,
  PartStored,
  TransferBegun,
  UploadBegun,
} from './journal-entry.ts'

/** An upload that was begun and is not finished. */
export interface UnfinishedUploadState {
  begun: UploadBegun
  /** The header part 1 must have, base64: the newest. */
  header: string
  /** True when the header was extended after the upload began: there is more than one data key. */
  extended: boolean
  /** Parts the store answered for under this upload; part 1 only when it was sent with the newest header. */
  parts: ReadonlyMap<number, PartStored>
}

/** A download that was begun and is not finished. */
export interface UnfinishedDownloadState {
  begun: DownloadBegun
  /** Ranges that are authenticated and on disk. */
  ranges: ReadonlySet<number>
}

/** What the lines of a journal add up to. Keys of the maps are object keys. */
export interface JournalState {
  transfer: TransferBegun
  uploads: ReadonlyMap<string, UnfinishedUploadState>
  objects: ReadonlyMap<string, ObjectStored>
  /** Sent in one piece, and no answer was written down. */
  sending: ReadonlyMap<string, ObjectSending>
  downloads: ReadonlyMap<string, UnfinishedDownloadState>
  files: ReadonlyMap<string, FileWritten>
}

interface MutableState {
  transfer: TransferBegun
  uploads: Map<string, UnfinishedUploadState & { parts: Map<number, PartStored> }>
  objects: Map<string, ObjectStored>
  sending: Map<string, ObjectSending>
  downloads: Map<string, UnfinishedDownloadState & { ranges: Set<number> }>
  files: Map<string, FileWritten>
}

/** Adds up entries, in order. Entries about objects that were never begun count for nothing. */
export function replay(transfer: TransferBegun, entries: Iterable<JournalEntry>): JournalState {
  const state: MutableState = {
    transfer,
    uploads: new Map(),
    objects: new Map(),
    sending: new Map(),
    downloads: new Map(),
    files: new Map(),
  }
  for (const entry of entries) apply(state, entry)
  return state
}

function apply(state: MutableState, entry: JournalEntry): void {
  switch (entry.type) {
    case 'transfer':
      return
    case 'upload':
      state.objects.delete(entry.objectKey)
      state.uploads.set(entry.objectKey, {
        begun: entry,
        header: entry.header,
        extended: false,
        parts: new Map(),
      })
      return
    case 'header': {
      const upload = state.uploads.get(entry.objectKey)
      if (upload === undefined) return
      upload.parts.delete(1)
      state.uploads.set(entry.objectKey, { ...upload, header: entry.header, extended: true })
      return
    }
    case 'part':
      state.uploads.get(entry.objectKey)?.parts.set(entry.partNumber, entry)
      return
    case 'object':
      state.uploads.delete(entry.objectKey)
      state.sending.delete(entry.objectKey)
      state.objects.set(entry.objectKey, entry)
      return
    case 'sending':
      state.objects.delete(entry.objectKey)
      state.sending.set(entry.objectKey, entry)
      return
    case 'dropped':
      state.uploads.delete(entry.objectKey)
      state.downloads.delete(entry.objectKey)
      return
    case 'download':
      state.files.delete(entry.objectKey)
      state.downloads.set(entry.objectKey, { begun: entry, ranges: new Set() })
      return
    case 'ranges':
      addRuns(state.downloads.get(entry.objectKey)?.ranges, entry.runs)
      return
    case 'file':
      state.downloads.delete(entry.objectKey)
      state.files.set(entry.objectKey, entry)
      return
  }
}

function addRuns(ranges: Set<number> | undefined, runs: readonly (readonly [number, number])[]): void {
  if (ranges === undefined) return
  for (const [first, last] of runs) for (let index = first; index <= last; index += 1) ranges.add(index)
}
