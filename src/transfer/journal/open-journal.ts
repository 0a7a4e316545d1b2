import { constants } from 'node:fs'
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../util/errors.ts'
import { fileError } from '../../util/file-errors.ts'
import { trySyncFolder } from '../../util/sync-folder.ts'
import type { JournalEntry, TransferBegun } from './journal-entry.ts'
import { serializeLine } from './journal-line.ts'
import { takeLock, type JournalLock } from './journal-lock.ts'
import { replay, type JournalState } from './journal-state.ts'
import { invalidJournal, readJournal } from './read-journal.ts'
import type { TransferJournal } from './transfer-journal.ts'

export interface OpenJournalOptions {
  /** Only to see what earlier runs left: takes no lock and writes nothing; append throws. */
  readOnly?: boolean | undefined
}

/** The journal's file. */
export function journalPath(folder: string, id: string): string {
  return join(folder, `${id}.jsonl`)
}

/** The lock beside it. */
export function lockPath(folder: string, id: string): string {
  return join(folder, `${id}.lock`)
}

/**
 * Opens the journal of a transfer, new or begun by an earlier run. Its file is made by the first append.
 *
 * @param folder - where journals are; made when missing, for its owner alone
 * @throws AppError TRANSFER_RUNNING when another process has it, INVALID_JOURNAL when it is damaged,
 * FILE_UNREADABLE, DISK_FULL
 */
export async function openJournal(
  folder: string,
  transfer: TransferBegun,
  options: OpenJournalOptions = {},
): Promise<TransferJournal> {
  const { id } = transfer
  const path = journalPath(folder, id)
  if (options.readOnly === true) {
    return readOnly(id, (await readJournal(path, id))?.state ?? replay(transfer, []))
  }
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw fileError(error, 'write', folder)
  })
  const lock = await takeLock(lockPath(folder, id), id)
  try {
    const found = await readJournal(path, id)
    if (found !== undefined && !isSame(found.state.transfer, transfer)) throw invalidJournal(path, id, 1)
    const earlier = found?.state ?? replay(transfer, [])
    return new OpenJournal(folder, transfer, earlier, found?.length ?? 0, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

/**
 * Removes a journal that can't be opened.
 *
 * @throws AppError TRANSFER_RUNNING, FILE_UNREADABLE
 */
export async function dropJournal(folder: string, id: string): Promise<void> {
  const lock = await takeLock(lockPath(folder, id), id)
  try {
    await removeFile(folder, journalPath(folder, id))
  } finally {
    await lock.release()
  }
}

function readOnly(id: string, earlier: JournalState): TransferJournal {
  const refuse = async (): Promise<never> => {
    throw new TypeError('the journal was opened to be read only')
  }
  return { id, earlier, append: refuse, close: async () => undefined, remove: refuse }
}

/** The id says so already; a journal that says something else was tampered with. */
function isSame(recorded: TransferBegun, asked: TransferBegun): boolean {
  return (['direction', 'endpoint', 'bucket', 'objectKey'] as const).every(
    (field) => recorded[field] === asked[field],
  )
}

interface Waiting {
  line: string
  resolve: () => void
  reject: (error: unknown) => void
}

class OpenJournal implements TransferJournal {
  readonly id: string
  readonly earlier: JournalState
  readonly #folder: string
  readonly #transfer: TransferBegun
  readonly #path: string
  readonly #lock: JournalLock
  #file: FileHandle | undefined
  /** Bytes of whole lines that are on disk. */
  #length: number
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #closed = false

  constructor(
    folder: string,
    transfer: TransferBegun,
    earlier: JournalState,
    length: number,
    lock: JournalLock,
  ) {
    this.id = transfer.id
    this.earlier = earlier
    this.#folder = folder
    this.#transfer = transfer
    this.#path = journalPath(folder, transfer.id)
    this.#length = length
    this.#lock = lock
  }

  async append(entry: Exclude<JournalEntry, TransferBegun>): Promise<void> {
    if (this.#closed) throw new TypeError('the journal is closed')
    const line = serializeLine(entry)
    return new Promise<void>((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject })
      this.#writing ??= this.#writeWaiting()
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#writing
    await this.#file?.close()
    await this.#lock.release()
  }

  async remove(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      await this.#writing
      await this.#file?.close()
      await removeFile(this.#folder, this.#path)
      await this.#lock.release()
    }
  }

  /** Never rejects. One write and one sync for all that came while the last ones were under way. */
  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        await this.#write(batch.map(({ line }) => line).join(''))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        const shown = fileError(error, 'write', this.#path)
        for (const { reject } of batch) reject(shown)
      }
    }
    this.#writing = undefined
  }

  async #write(lines: string): Promise<void> {
    if (this.#lock.lost) {
      throw new AppError(
        'TRANSFER_RUNNING',
        `another process went on with this transfer (${this.id}) while this one did not answer`,
      )
    }
    const file = this.#file ?? (await this.#openFile())
    this.#file = file
    const bytes = Buffer.from(this.#length === 0 ? serializeLine(this.#transfer) + lines : lines)
    // What a crash or a full disk left of a line must not stand before the next one.
    if ((await file.stat()).size !== this.#length) await file.truncate(this.#length)
    await file.appendFile(bytes)
    await file.datasync()
    this.#length += bytes.length
  }

  async #openFile(): Promise<FileHandle> {
    const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants
    const file = await open(this.#path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600)
    await trySyncFolder(this.#folder)
    return file
  }
}

async function removeFile(folder: string, path: string): Promise<void> {
  await rm(path, { force: true }).catch((error: unknown) => {
    throw fileError(error, 'remove', path)
  })
  await trySyncFolder(folder)
}
