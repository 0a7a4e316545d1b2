import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { AppError } from '../../util/errors.ts'
import { errnoOf, fileError } from '../../util/file-errors.ts'
import type { JournalEntry } from './journal-entry.ts'
import { MAX_LINE_LENGTH, parseLine } from './journal-line.ts'
import { replay, type JournalState } from './journal-state.ts'

/** What a journal's file holds. */
export interface JournalContent {
  state: JournalState
  /** Bytes up to the end of the last whole line; what follows is the line a crash tore. */
  length: number
}

/** Lines of a journal: a million files take two or three million. */
const MAX_LINES = 10_000_000

/** Bytes read at a time. */
const CHUNK_SIZE = 256 * 1024

/** Permission bits: group and everybody. */
const WRITABLE_BY_OTHERS = 0o022

const LINE_FEED = 0x0a

/**
 * Reads a journal that somebody may be writing to. A last line without its end was torn by a crash: whoever wrote it
 * was never told that it is on disk, and it counts for nothing.
 *
 * @returns undefined when there is no file, or not one whole line in it
 * @throws AppError INVALID_JOURNAL when any other line is broken or the first does not say what the transfer is;
 * FILE_UNREADABLE
 */
export async function readJournal(path: string, id: string): Promise<JournalContent | undefined> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw fileError(error, 'read', path)
  }
  try {
    await refuseForeign(file, path, id)
    const { entries, length } = await readEntries(file, path, id)
    const [transfer] = entries
    if (transfer === undefined) return undefined
    if (transfer.type !== 'transfer' || transfer.id !== id) throw invalidJournal(path, id, 1)
    return { state: replay(transfer, entries), length }
  } catch (error) {
    throw fileError(error, 'read', path)
  } finally {
    await file.close()
  }
}

/** A journal that can't be gone on with: what it says about the transfer is not to be trusted. */
export function invalidJournal(path: string, id: string, line: number): AppError {
  return new AppError('INVALID_JOURNAL', `the journal ${path} is damaged in line ${line}`, {
    hints: [
      `drop it with \`sealift transfer abort ${id}\` and start the transfer again: nothing that was finished is lost`,
    ],
  })
}

/** Whoever can write to a journal decides what `transfer resume` runs, and under which header an upload goes on. */
async function refuseForeign(file: FileHandle, path: string, id: string): Promise<void> {
  const { uid, mode } = await file.stat()
  if (process.getuid === undefined || (uid === process.getuid() && (mode & WRITABLE_BY_OTHERS) === 0)) return
  throw new AppError('INVALID_JOURNAL', `others may have written to the journal ${path}`, {
    hints: [
      `drop it with \`sealift transfer abort ${id}\` and start the transfer again`,
      'set SEALIFT_STATE_DIR to a folder on a file system that keeps permissions',
    ],
  })
}

async function readEntries(
  file: FileHandle,
  path: string,
  id: string,
): Promise<{ entries: JournalEntry[]; length: number }> {
  const entries: JournalEntry[] = []
  let length = 0
  for await (const line of wholeLines(file)) {
    const entry = line === undefined ? undefined : parseLine(line.text)
    const misplaced = entry?.type === 'transfer' && entries.length > 0
    if (line === undefined || entry === undefined || misplaced || entries.length >= MAX_LINES) {
      throw invalidJournal(path, id, entries.length + 1)
    }
    entries.push(entry)
    length += line.length
  }
  return { entries, length }
}

interface Line {
  /** Without its end. */
  text: string
  /** Bytes, with its end. */
  length: number
}

/** The lines that have an end; undefined, and nothing more, in place of one that is too long to be read. */
async function* wholeLines(file: FileHandle): AsyncGenerator<Line | undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  let begun: Uint8Array[] = []
  let begunLength = 0
  for (;;) {
    const chunk = new Uint8Array(CHUNK_SIZE)
    const { bytesRead } = await file.read(chunk, 0, CHUNK_SIZE, null)
    if (bytesRead === 0) return
    let start = 0
    for (;;) {
      const end = chunk.subarray(0, bytesRead).indexOf(LINE_FEED, start)
      const piece = chunk.subarray(start, end === -1 ? bytesRead : end)
      begun.push(piece)
      begunLength += piece.length
      if (begunLength > MAX_LINE_LENGTH) {
        yield undefined
        return
      }
      if (end === -1) break
      yield { text: decoder.decode(Buffer.concat(begun)), length: begunLength + 1 }
      begun = []
      begunLength = 0
      start = end + 1
    }
  }
}
