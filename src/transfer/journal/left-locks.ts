import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { lockPath } from './open-journal.ts'
import { takeLock } from './journal-lock.ts'

/** `ID.lock`, or what comes before it: `ID.lock.TOKEN`, `ID.lock.TOKEN.new`. */
const LOCK_NAME = /^([0-9a-f]{16})\.lock(\..+)?$/

/** Younger ones are left alone, milliseconds: to look at a lock it has to be taken, and its transfer may begin just now. */
const AGE_LIMIT = 3_600_000

/**
 * Removes locks that no journal belongs to and no process holds: a process was killed before the first line of its
 * journal, or after its last. Never throws: what can't be removed does no harm.
 */
export async function removeLeftLocks(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const journals = new Set(names.filter((name) => name.endsWith('.jsonl')).map((name) => name.slice(0, 16)))
  for (const name of names) {
    const [, id, claim] = LOCK_NAME.exec(name) ?? []
    if (id === undefined || journals.has(id) || !(await isOld(join(folder, name)))) continue
    const removed = claim === undefined ? letGo(folder, id) : rm(join(folder, name), { force: true })
    await removed.catch(() => undefined)
  }
}

/** Only a lock whose holder is gone can be taken. */
async function letGo(folder: string, id: string): Promise<void> {
  const lock = await takeLock(lockPath(folder, id), id)
  await lock.release()
}

async function isOld(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined)
  return stats !== undefined && Date.now() - stats.mtimeMs > AGE_LIMIT
}
