import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { lockPath } from './open-journal.ts'
import { takeLock } from './journal-lock.ts'

/** `ID.lock`, or what comes before it: `ID.lock.TOKEN`, `ID.lock.TOKEN.new`. */
const LOCK_NAME = /^([0-9a-f]{16})\.lock(\..+)?$/

/** A file that becomes a lock does so in a moment: older ones are left over, milliseconds. */
const CLAIM_LIMIT = 3_600_000

/**
 * Removes locks that no journal belongs to and no process holds: a process was killed before the first line of its
 * journal, or after its last. Never throws: what can't be removed does no harm.
 */
export async function removeLeftLocks(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const journals = new Set(names.filter((name) => name.endsWith('.jsonl')).map((name) => name.slice(0, 16)))
  for (const name of names) {
    const [, id, claim] = LOCK_NAME.exec(name) ?? []
    if (id === undefined || journals.has(id)) continue
    const removed = claim === undefined ? letGo(folder, id) : removeOldClaim(join(folder, name))
    await removed.catch(() => undefined)
  }
}

/** Only a lock whose holder is gone can be taken. */
async function letGo(folder: string, id: string): Promise<void> {
  const lock = await takeLock(lockPath(folder, id), id)
  await lock.release()
}

async function removeOldClaim(path: string): Promise<void> {
  const { mtimeMs } = await stat(path)
  if (Date.now() - mtimeMs > CLAIM_LIMIT) await rm(path, { force: true })
}
