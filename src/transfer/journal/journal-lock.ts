import { randomBytes } from 'node:crypto'
import { link, open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { hostname, uptime } from 'node:os'
import { dirname } from 'node:path'
import { z } from 'zod'
import { AppError } from '../../util/errors.ts'
import { errnoOf, fileError } from '../../util/file-errors.ts'

/**
 * A lock file beside the journal, because the state folder may be on a file system that several login nodes share.
 * It says which process holds it, on which machine; a process that is gone, killed or not, holds nothing.
 */

/** Who holds a lock. */
export interface LockHolder {
  pid: number
  host: string
  /** Changes whenever the process numbers of the host mean others: its boot, and its PID namespace. */
  boot: string
  /** When the process started, in ticks since boot (proc_pid_stat(5), starttime); empty where that is not known. */
  start: string
}

export interface JournalLock {
  /** True when another process took it: this one was not heard of for too long. */
  readonly lost: boolean
  release(): Promise<void>
}

/** How often a holder shows that it lives, milliseconds. */
const REFRESH = 10_000

/** A holder on another machine that was not heard of for so long is taken for gone, milliseconds. */
const SILENCE_LIMIT = 120_000

const lockSchema = z.object({
  pid: z.int().min(1),
  host: z.string().max(1024),
  boot: z.string().max(1024),
  start: z.string().max(64),
  token: z.string().regex(/^[0-9a-f]{16}$/),
})

/**
 * Takes the lock, or one whose holder is gone.
 *
 * @throws AppError TRANSFER_RUNNING, saying who holds it; FILE_UNREADABLE, DISK_FULL
 */
export async function takeLock(path: string, id: string): Promise<JournalLock> {
  const token = randomBytes(8).toString('hex')
  const own = `${path}.${token}.new`
  const text = `${JSON.stringify({ ...(await thisProcess()), token })}\n`
  const file = await open(own, 'wx', 0o600).catch((error: unknown) => {
    throw fileError(error, 'write', path)
  })
  try {
    await file.writeFile(text)
    await claim(path, { path: own, file }, path, id)
    return hold(path, file, text)
  } catch (error) {
    await file.close()
    throw fileError(error, 'write', path)
  } finally {
    await rm(own, { force: true })
  }
}

/** Who holds the lock at this moment, if anybody does. */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  const found = await readLock(path)
  if (found === undefined || (await isStale(found, Date.now()))) return undefined
  return found.holder ?? { pid: 0, host: 'an unknown host', boot: '', start: '' }
}

/** Rounds of seeing a lock and finding it gone; each needs another process that lets go in that very moment. */
const ATTEMPTS = 20

/**
 * link(2) is atomic on every file system that has it, NFS included, and the file has its content already.
 * A lock whose holder is gone may be replaced by whoever holds the lock on its token: that is again a file, which may
 * in turn have been left by a process that died.
 */
async function claim(path: string, own: OwnFile, lock: string, id: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (await linked(own.path, path)) return
    const found = await readLock(path)
    if (found === undefined) continue
    // Our own file was written just now by the clock of the file system: clocks of machines may differ.
    const now = (await own.file.stat()).mtimeMs
    if (!(await isStale(found, now))) throw running(found.holder, lock, id)
    const right = `${lock}.${found.token}`
    await claim(right, own, lock, id)
    if ((await readLock(path))?.token === found.token) {
      await rename(right, path)
      return
    }
    await rm(right, { force: true })
  }
  throw running(undefined, lock, id)
}

/** False when the name is taken. */
async function linked(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path)
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') return false
    if (errno === undefined || !NO_LINKS.has(errno)) throw error
    throw new AppError('UNSUPPORTED', `${dirname(path)} is on a file system without hard links`, {
      hints: ['set SEALIFT_STATE_DIR to a folder elsewhere; transfers keep track there of how far they got'],
      cause: error,
    })
  }
}

/** What link(2) says where there are no hard links. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'])

function hold(path: string, file: FileHandle, text: string): JournalLock {
  let lost = false
  let writing = Promise.resolve()
  const isOurs = async (): Promise<boolean> => {
    const [ours, there] = await Promise.all([file.stat({ bigint: true }), stat(path, { bigint: true })])
    return ours.ino === there.ino
  }
  const refresh = async (): Promise<void> => {
    try {
      await file.write(text, 0)
      lost = !(await isOurs())
    } catch {
      lost = true
    }
  }
  const timer = setInterval(() => {
    writing = writing.then(refresh)
  }, REFRESH).unref()
  return {
    get lost() {
      return lost
    },
    async release() {
      clearInterval(timer)
      await writing
      if (await isOurs().catch(() => false)) await rm(path, { force: true })
      await file.close()
    },
  }
}

/** The file that becomes the lock. */
interface OwnFile {
  path: string
  file: FileHandle
}

interface FoundLock {
  /** Undefined when the file does not say: damaged. */
  holder: LockHolder | undefined
  /** Of this one lock: no other has the same. */
  token: string
  mtimeMs: number
}

async function readLock(path: string): Promise<FoundLock | undefined> {
  try {
    const file = await open(path, 'r')
    try {
      const { ino, mtimeNs } = await file.stat({ bigint: true })
      const buffer = Buffer.alloc(8192)
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
      const said = parseLock(buffer.toString('utf8', 0, bytesRead))
      return {
        holder: said,
        token: said?.token ?? `inode-${ino}`,
        mtimeMs: Number(mtimeNs / 1_000_000n),
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw fileError(error, 'read', path)
  }
}

function parseLock(text: string): z.infer<typeof lockSchema> | undefined {
  try {
    return lockSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** @param now - milliseconds, by the clock that the lock's mtime was set by */
async function isStale({ holder, mtimeMs }: FoundLock, now: number): Promise<boolean> {
  const silent = now - mtimeMs > SILENCE_LIMIT
  if (holder === undefined) return silent
  const here = await thisProcess()
  if (holder.host !== here.host) return silent
  if (holder.boot === here.boot) return (await startOf(holder.pid)) !== holder.start
  // The same name after a restart; another machine or container of that name is still heard of.
  return silent || mtimeMs < now - uptime() * 1000
}

async function thisProcess(): Promise<LockHolder> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  const namespace = await stat('/proc/self/ns/pid').catch(() => undefined)
  return {
    pid: process.pid,
    host: hostname(),
    boot: `${boot.trim()}/${namespace?.ino ?? ''}`,
    start: (await startOf(process.pid)) ?? '',
  }
}

/** When a process started; undefined when there is none of that number. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name, which may hold blanks and brackets; starttime is the 22nd.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return isZombie(fields[0]) ? undefined : fields[19]
  } catch {
    return isAlive(pid) ? '' : undefined
  }
}

/** Dead, and only not yet asked for by its parent (proc_pid_stat(5), state). */
function isZombie(state: string | undefined): boolean {
  return state === 'Z' || state === 'X'
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}

function running(holder: LockHolder | undefined, path: string, id: string): AppError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`
  return new AppError('TRANSFER_RUNNING', `${who} is at this transfer (${id}) already`, {
    hints: [
      'wait until it has ended, or stop it; the same command then goes on where it stopped',
      `if no such process runs any more, remove ${path}`,
    ],
  })
}
