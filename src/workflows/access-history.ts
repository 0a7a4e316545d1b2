import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { errnoOf, fileError } from '../util/file-errors.ts'

/** Bytes of the file that are read, from its end: years of grants. What is older is left alone. */
const READ_LIMIT = 16 * 1024 ** 2

/** Characters of a line; a longer one is not ours. */
const LINE_LIMIT = 4096

const eventSchema = z.object({
  /** ISO 8601. */
  at: z.iso.datetime(),
  endpoint: z.string().min(1).max(500),
  bucket: z.string().min(1).max(500),
  what: z.enum(['granted', 'revoked', 'opened', 'closed', 'adopted']),
  /** Typed (`rgw:project_2000111`); absent where it was about everybody. */
  identity: z.string().min(1).max(500).optional(),
  role: z.string().max(50).optional(),
  until: z.iso.datetime().optional(),
  /** Id of the access key it was done with. */
  by: z.string().max(200).optional(),
})

/** Something that was done to the access of a bucket, on this machine. */
export type AccessEvent = z.infer<typeof eventSchema>

/** What was done, as far as it was written down here: other machines and other tools keep their own, or none. */
export interface AccessHistory {
  /** The oldest first. */
  events: AccessEvent[]
  /** Lines that could not be read. */
  damagedLines: number
}

/**
 * Adds an event to the end of the history file, which is made when there is none, for its owner alone. No line is ever
 * changed. Throws FILE_UNREADABLE, DISK_FULL.
 */
export async function recordAccess(path: string, event: AccessEvent): Promise<void> {
  const line = JSON.stringify(eventSchema.parse(event))
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(path, 'a+', 0o600)
    try {
      // One write, so that two processes don't mix their lines. A torn line of a crash must not swallow this one.
      await file.appendFile(`${(await endsInLine(file)) ? '\n' : ''}${line}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    throw fileError(error, 'write', path)
  }
}

/** Reads the history; damaged lines are counted and left out. Throws FILE_UNREADABLE. */
export async function readHistory(path: string): Promise<AccessHistory> {
  const text = await readEnd(path)
  const events: AccessEvent[] = []
  let damagedLines = 0
  for (const line of text.split('\n')) {
    if (line === '') continue
    const event = eventOf(line)
    if (event === undefined) damagedLines += 1
    else events.push(event)
  }
  return { events, damagedLines }
}

function eventOf(line: string): AccessEvent | undefined {
  if (line.length > LINE_LIMIT) return undefined
  try {
    return eventSchema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

/** The file's whole lines, or those of its last bytes; nothing when there is none. */
async function readEnd(path: string): Promise<string> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const { size } = await file.stat()
    const start = Math.max(0, size - READ_LIMIT)
    const buffer = Buffer.alloc(size - start)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start)
    const text = buffer.toString('utf8', 0, bytesRead)
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return ''
    throw fileError(error, 'read', path)
  } finally {
    await file?.close()
  }
}

async function endsInLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat()
  if (size === 0) return false
  const last = Buffer.alloc(1)
  await file.read(last, 0, 1, size - 1)
  return last[0] !== 0x0a
}
