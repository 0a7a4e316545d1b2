/**
 * What a run of `rekey` has done, so that the next one with the same arguments does the rest. One JSON object per line,
 * appended; object keys, ETags and upload ids, nothing secret. Lines are not synced: what a power cut takes is done
 * again, and that leaves the same objects.
 */
import { createHash } from 'node:crypto'
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { fingerprint } from '../../crypto/keys/fingerprint.ts'
import { takeLock, type JournalLock } from '../../transfer/journal/journal-lock.ts'
import { errnoOf, fileError } from '../../util/file-errors.ts'
import { formatS3Url } from '../s3-url.ts'
import type { RekeyObjectsRequest } from './rekey-request.ts'

const lineSchema = z.discriminatedUnion('type', [
  /** An object is about to be written elsewhere, where there is none: what is found there later may be ours. */
  z.object({ type: z.literal('begun'), objectKey: z.string(), source: z.string() }),
  /** A multipart upload of a new body was created, which is to become the object at `target`. */
  z.object({
    type: z.literal('upload'),
    objectKey: z.string(),
    target: z.string(),
    uploadId: z.string().min(1),
  }),
  /** ETags of the object that was read and of the new one. */
  z.object({ type: z.literal('done'), objectKey: z.string(), source: z.string(), etag: z.string() }),
])
type RekeyLogLine = z.infer<typeof lineSchema>

/** Characters of a line; an object key has at most 1024 bytes, and each may be written as six characters. */
const MAX_LINE_LENGTH = 16 * 1024

/** What was written down of an object. */
interface KnownObject {
  /** ETag of the source when it was begun or done. */
  source: string
  /** ETag of the new object; undefined when it was only begun. */
  etag?: string | undefined
}

/** Names a run by what it does: the same arguments give the same name, in whatever order keys are named. */
export function rekeyId(endpoint: string, request: RekeyObjectsRequest): string {
  const { place, into, change, deep, deleteReplaced } = request
  const { added, removed, exactly, identities, dropOthers } = change
  const prints = (keys: readonly Uint8Array[]): string[] => [...new Set(keys.map(fingerprint))].sort()
  const canonical = JSON.stringify([
    1,
    endpoint,
    formatS3Url(place.bucket, place.objectKey),
    into === undefined ? null : formatS3Url(into.bucket, into.objectKey),
    prints(added),
    prints(removed),
    exactly === undefined ? null : prints(exactly),
    prints(identities.map(({ publicKey }) => publicKey)),
    { dropOthers, deep, deleteReplaced },
  ])
  return createHash('sha256').update(canonical).digest('hex').slice(0, 16)
}

export class RekeyLog {
  readonly #path: string
  readonly #known: Map<string, KnownObject>
  readonly #uploads: ReadLog['uploads']
  readonly #file: FileHandle
  readonly #lock: JournalLock
  #isEmpty: boolean
  #isClosed = false

  private constructor(path: string, read: ReadLog, file: FileHandle, lock: JournalLock) {
    this.#path = path
    this.#known = read.known
    this.#uploads = read.uploads
    this.#file = file
    this.#lock = lock
    this.#isEmpty = read.known.size === 0 && read.uploads.size === 0
  }

  /**
   * Opens the log of these arguments, a new one when no earlier run left any.
   *
   * @throws AppError TRANSFER_RUNNING when another process is at it; FILE_UNREADABLE, DISK_FULL
   */
  static async open(folder: string, id: string): Promise<RekeyLog> {
    const path = join(folder, `${id}.jsonl`)
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw fileError(error, 'write', folder)
    })
    const lock = await takeLock(`${path}.lock`, id)
    try {
      const read = await readLog(path)
      return new RekeyLog(path, read, await openToAppend(path), lock)
    } catch (error) {
      await lock.release()
      throw fileError(error, 'write', path)
    }
  }

  /** What an earlier run, or this one, wrote down of the object. */
  of(objectKey: string): KnownObject | undefined {
    return this.#known.get(objectKey)
  }

  /** Multipart uploads of earlier runs that nothing is known to have become of. */
  uploads(): { target: string; uploadId: string }[] {
    return [...this.#uploads.values()]
  }

  /** Appends a line. Throws FILE_UNREADABLE, DISK_FULL. */
  async add(line: RekeyLogLine): Promise<void> {
    this.#isEmpty = false
    try {
      await this.#file.appendFile(`${JSON.stringify(line)}\n`)
    } catch (error) {
      throw fileError(error, 'write', this.#path)
    }
  }

  /** Removes it: everything is done. */
  async remove(): Promise<void> {
    this.#isEmpty = true
    await this.close()
  }

  /** Leaves it for the next run, if it says anything. Harmless when it is closed. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#file.close()
    if (this.#isEmpty) await rm(this.#path, { force: true })
    await this.#lock.release()
  }
}

async function openToAppend(path: string): Promise<FileHandle> {
  const file = await open(path, 'a', 0o600)
  try {
    // A line that was cut off must not spoil the next one.
    await file.appendFile('\n')
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

interface ReadLog {
  known: Map<string, KnownObject>
  /** By the keys of their sources. */
  uploads: Map<string, { target: string; uploadId: string }>
}

/** Line by line; those that were cut off or are no lines of ours say nothing. */
async function readLog(path: string): Promise<ReadLog> {
  const read: ReadLog = { known: new Map(), uploads: new Map() }
  const file = await open(path, 'r').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (file === undefined) return read
  // Closes the file at its end.
  for await (const text of file.readLines({ encoding: 'utf8' })) {
    const line = parseLine(text)
    if (line !== undefined) apply(read, line)
  }
  return read
}

function apply({ known, uploads }: ReadLog, line: RekeyLogLine): void {
  if (line.type === 'upload') {
    const { target, uploadId } = line
    uploads.set(line.objectKey, { target, uploadId })
    return
  }
  const { objectKey, source } = line
  known.set(objectKey, { source, etag: line.type === 'done' ? line.etag : undefined })
  if (line.type === 'done') uploads.delete(objectKey)
}

function parseLine(text: string): RekeyLogLine | undefined {
  if (text === '' || text.length > MAX_LINE_LENGTH) return undefined
  try {
    return lineSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
