import fc from 'fast-check'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serializeLine } from '../../../src/transfer/journal/journal-line.ts'
import { replay } from '../../../src/transfer/journal/journal-state.ts'
import { removeLeftLocks } from '../../../src/transfer/journal/left-locks.ts'
import { findJournal, listJournals } from '../../../src/transfer/journal/list-journals.ts'
import { journalPath, lockPath, openJournal } from '../../../src/transfer/journal/open-journal.ts'
import { failure, laterEntries, TRANSFER } from './entries.ts'

let parent: string
let folder: string
let path: string
let lock: string

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'sealift-journal-'))
  folder = join(parent, 'state', 'transfers')
  path = journalPath(folder, TRANSFER.id)
  lock = lockPath(folder, TRANSFER.id)
})
afterEach(async () => {
  await rm(parent, { recursive: true, force: true })
})

const part = (partNumber: number) =>
  ({
    type: 'part',
    objectKey: 'run_12/a',
    partNumber,
    size: 100 + partNumber,
    etag: `e${partNumber}`,
  }) as const
const upload = {
  type: 'upload',
  objectKey: 'run_12/a',
  path: '/home/ada/run_12/a',
  source: { size: 5000, mtimeNs: '17', inode: '4' },
  uploadId: 'u1',
  segmentsPerPart: 2,
  header: 'AAAA',
} as const

describe('a journal', () => {
  it('leaves no file when nothing was written into it', async () => {
    const journal = await openJournal(folder, TRANSFER)
    await journal.close()
    expect(await readdir(folder)).toEqual([])
  })

  it('is for its owner alone', async () => {
    const journal = await openJournal(folder, TRANSFER)
    await journal.append(upload)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(lock)).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    await journal.close()
  })

  it('tells the next run what earlier ones did', async () => {
    const first = await openJournal(folder, TRANSFER)
    expect(first.earlier).toEqual(replay(TRANSFER, []))
    await first.append(upload)
    await Promise.all([3, 1, 2].map((partNumber) => first.append(part(partNumber))))
    await first.close()

    const second = await openJournal(folder, { ...TRANSFER, command: ['upload', 'x'] })
    const unfinished = second.earlier.uploads.get('run_12/a')
    expect(unfinished?.begun).toEqual(upload)
    expect([...(unfinished?.parts.keys() ?? [])].sort()).toEqual([1, 2, 3])
    expect(second.earlier.transfer).toEqual(TRANSFER)
    await second.append(part(4))
    await second.close()
    const third = await openJournal(folder, TRANSFER)
    expect(third.earlier.uploads.get('run_12/a')?.parts.size).toBe(4)
    await third.close()
  })

  it('holds thousands of entries appended at once, in their order', async () => {
    const journal = await openJournal(folder, TRANSFER)
    const numbers = Array.from({ length: 3000 }, (_, index) => index + 1)
    await Promise.all([upload, ...numbers.map(part)].map((entry) => journal.append(entry)))
    await journal.close()
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n').slice(2)
    expect(lines.map((line) => (JSON.parse(line) as { partNumber: number }).partNumber)).toEqual(numbers)
  })

  it('is gone when it is removed, and so is its lock', async () => {
    const journal = await openJournal(folder, TRANSFER)
    await journal.append(upload)
    await journal.remove()
    await journal.close()
    expect(await readdir(folder)).toEqual([])
  })

  it('opened to be read only shows a transfer that is running, and touches nothing', async () => {
    const running = await openJournal(folder, TRANSFER)
    await running.append(upload)
    const before = await readdir(folder)
    const looking = await openJournal(folder, TRANSFER, { readOnly: true })
    expect(looking.earlier.uploads.size).toBe(1)
    await expect(looking.append(part(1))).rejects.toThrow(/read only/)
    await looking.close()
    expect(await readdir(folder)).toEqual(before)
    await running.close()
  })

  it('does not follow a link that somebody put in its place', async () => {
    const victim = join(parent, 'victim')
    await writeFile(victim, '')
    await mkdir(folder, { recursive: true })
    await symlink(victim, path)
    expect(await failure(openJournal(folder, TRANSFER))).toMatchObject({ code: 'FILE_UNREADABLE' })
    expect(await readFile(victim, 'utf8')).toBe('')
    expect(existsSync(lock)).toBe(false)
  })
})

describe('after a crash', () => {
  it('the journal is what its whole lines say, wherever the file ends', async () => {
    const entries = fc.array(laterEntries, { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(entries, fc.nat(), laterEntries, async (written, where, next) => {
        const journal = await openJournal(folder, TRANSFER)
        await Promise.all(written.map((entry) => journal.append(entry)))
        await journal.close()
        const bytes = await readFile(path)
        const end = where % (bytes.length + 1)
        await truncate(path, end)
        const whole = bytes.subarray(0, end).filter((byte) => byte === 0x0a).length
        const left = written.slice(0, Math.max(0, whole - 1))

        const again = await openJournal(folder, TRANSFER)
        expect(again.earlier).toEqual(replay(TRANSFER, left))
        await again.append(next)
        await again.close()
        const third = await openJournal(folder, TRANSFER)
        expect(third.earlier).toEqual(replay(TRANSFER, [...left, next]))
        await third.remove()
      }),
      { numRuns: 60 },
    )
  })

  it('zeros that a file system left behind the last line are cut off', async () => {
    const journal = await openJournal(folder, TRANSFER)
    await journal.append(upload)
    await journal.close()
    const { size } = await stat(path)
    await truncate(path, size + 4096)
    const again = await openJournal(folder, TRANSFER)
    await again.append(part(1))
    await again.close()
    expect(await readFile(path, 'utf8')).not.toContain('\0')
    expect((await listJournals(folder))[0]?.state?.uploads.get('run_12/a')?.parts.size).toBe(1)
  })
})

describe('a damaged journal', () => {
  beforeEach(async () => {
    const journal = await openJournal(folder, TRANSFER)
    await journal.append(upload)
    await journal.append(part(1))
    await journal.close()
  })

  it('is refused, says in which line, and what to do; never half of it is believed', async () => {
    const bytes = await readFile(path)
    const endings = [...bytes.keys()].filter((at) => bytes[at] === 0x0a)
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: bytes.length - 2 }), fc.nat({ max: 7 }), async (at, bit) => {
        fc.pre(!endings.includes(at))
        const damaged = Buffer.from(bytes)
        damaged[at] = damaged[at]! ^ (1 << bit)
        await writeFile(path, damaged)
        const error = await failure(openJournal(folder, TRANSFER))
        expect(error).toMatchObject({ code: 'INVALID_JOURNAL' })
        expect(error.message).toMatch(/line \d/)
        expect(error.hints.join()).toContain(`sealift transfer abort ${TRANSFER.id}`)
        expect(existsSync(lock)).toBe(false)
      }),
      { numRuns: 200 },
    )
  })

  it('with a second first line, or none, is refused', async () => {
    await appendFile(path, serializeLine(TRANSFER))
    expect(await failure(openJournal(folder, TRANSFER))).toMatchObject({ code: 'INVALID_JOURNAL' })
    await writeFile(path, serializeLine(upload))
    expect(await failure(openJournal(folder, TRANSFER))).toMatchObject({ code: 'INVALID_JOURNAL' })
  })

  it('of another transfer under this name is refused', async () => {
    await writeFile(path, serializeLine({ ...TRANSFER, bucket: 'elsewhere' }))
    expect(await failure(openJournal(folder, TRANSFER))).toMatchObject({ code: 'INVALID_JOURNAL' })
    await writeFile(path, serializeLine({ ...TRANSFER, id: 'f'.repeat(16) }))
    expect(await failure(openJournal(folder, TRANSFER))).toMatchObject({ code: 'INVALID_JOURNAL' })
  })

  it('that others can write to is refused: it decides what is encrypted for whom', async () => {
    await chmod(path, 0o620)
    const error = await failure(openJournal(folder, TRANSFER))
    expect(error).toMatchObject({ code: 'INVALID_JOURNAL' })
    expect(error.hints.join()).toContain('SEALIFT_STATE_DIR')
  })

  it('with a line that does not end is refused before it fills the memory', async () => {
    await writeFile(path, `${serializeLine(TRANSFER)}${'x'.repeat(33 * 1024 ** 2)}`)
    expect(await failure(openJournal(folder, TRANSFER))).toMatchObject({ code: 'INVALID_JOURNAL' })
  })

  it('is in the list all the same', async () => {
    await writeFile(path, 'nonsense\n')
    expect(await listJournals(folder)).toMatchObject([
      { id: TRANSFER.id, state: undefined, damage: { code: 'INVALID_JOURNAL' } },
    ])
  })
})

/** A process of its own that opens the journal, says so, and does nothing more. */
async function otherProcess(): Promise<ChildProcess> {
  const script = `
    import { openJournal } from ${JSON.stringify(new URL('../../../src/transfer/journal/open-journal.ts', import.meta.url).href)}
    const journal = await openJournal(${JSON.stringify(folder)}, ${JSON.stringify(TRANSFER)})
    await journal.append(${JSON.stringify(upload)})
    console.log('open')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = text(child.stderr)
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'close').then(async () => {
      throw new Error(await ended)
    }),
  ])
  return child
}

describe('two processes at one transfer', () => {
  it('the second is told who the first is; after kill -9 it goes on at once', async () => {
    const child = await otherProcess()
    try {
      const error = await failure(openJournal(folder, TRANSFER))
      expect(error).toMatchObject({ code: 'TRANSFER_RUNNING' })
      expect(error.message).toContain(`process ${child.pid} on ${hostname()}`)
      expect((await listJournals(folder))[0]?.holder).toMatchObject({ pid: child.pid, host: hostname() })
    } finally {
      child.kill('SIGKILL')
    }
    await once(child, 'exit')
    expect((await listJournals(folder))[0]?.holder).toBeUndefined()
    const journal = await openJournal(folder, TRANSFER)
    expect(journal.earlier.uploads.size).toBe(1)
    await journal.close()
    expect(await readdir(folder)).toEqual([`${TRANSFER.id}.jsonl`])
  })

  /** A lock as somebody else left it, last heard of so many seconds ago. */
  async function leaveLock(holder: object | string, secondsAgo: number, path = lock): Promise<void> {
    await mkdir(folder, { recursive: true })
    await writeFile(path, typeof holder === 'string' ? holder : JSON.stringify(holder))
    const then = Date.now() / 1000 - secondsAgo
    await utimes(path, then, then)
  }
  const elsewhere = { pid: 4711, host: 'login-node-2', boot: 'another', start: '1', token: 'f'.repeat(16) }

  it('a holder on another machine counts while it is heard of, and no longer', async () => {
    await leaveLock(elsewhere, 60)
    const error = await failure(openJournal(folder, TRANSFER))
    expect(error.message).toContain('process 4711 on login-node-2')
    expect(error.hints.join()).toContain(lock)
    await leaveLock(elsewhere, 200)
    await (await openJournal(folder, TRANSFER)).close()
  })

  it('a process number that belongs to another process by now holds nothing', async () => {
    const journal = await openJournal(folder, TRANSFER)
    const holder = JSON.parse(await readFile(lock, 'utf8')) as { start: string }
    await journal.close()
    await leaveLock({ ...holder, start: '1' }, 0)
    await (await openJournal(folder, TRANSFER)).close()
  })

  it('of many at once exactly one gets it, also when dead ones left their locks', async () => {
    for (let round = 0; round < 20; round += 1) {
      await leaveLock(elsewhere, 200)
      // Whoever was about to take that one over died as well.
      if (round % 2 === 1) {
        await leaveLock({ ...elsewhere, token: 'e'.repeat(16) }, 200, `${lock}.${elsewhere.token}`)
      }
      const attempts = Array.from({ length: 12 }, () => openJournal(folder, TRANSFER))
      const outcomes = await Promise.allSettled(attempts)
      const open = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      expect(open).toHaveLength(1)
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'TRANSFER_RUNNING' })
      }
      await open[0]?.close()
      expect(await readdir(folder)).toEqual([])
    }
  })

  it('a lock that says nothing counts for as long as one that was not heard of', async () => {
    await leaveLock('', 1)
    expect(await failure(openJournal(folder, TRANSFER))).toMatchObject({ code: 'TRANSFER_RUNNING' })
    await leaveLock('{"pid":-1}', 200)
    await (await openJournal(folder, TRANSFER)).close()
  })
})

describe('the folder of journals', () => {
  it('is freed of locks without a journal whose process is gone, and of nothing else', async () => {
    const left = (id: string, name: string): string => join(folder, `${id.repeat(16)}${name}`)
    const gone = JSON.stringify({
      pid: 4711,
      host: 'login-node-2',
      boot: 'x',
      start: '1',
      token: 'f'.repeat(16),
    })
    await mkdir(folder, { recursive: true })
    const alive = await openJournal(folder, TRANSFER)
    const files = [left('a', '.lock'), left('b', '.lock'), left('c', '.lock'), left('d', '.lock.0f.new')]
    for (const file of files) await writeFile(file, gone)
    await writeFile(left('b', '.jsonl'), 'a journal')
    const dayAgo = Date.now() / 1000 - 86_400
    for (const file of [left('a', '.lock'), left('b', '.lock'), left('d', '.lock.0f.new')]) {
      await utimes(file, dayAgo, dayAgo)
    }
    await removeLeftLocks(folder)
    // a: gone for long; b: its journal tells more; c: heard of just now; d: never became a lock.
    expect((await readdir(folder)).sort()).toEqual(
      [
        `${TRANSFER.id}.lock`,
        ...[left('b', '.jsonl'), left('b', '.lock'), left('c', '.lock')].map((path) => basename(path)),
      ].sort(),
    )
    await alive.close()
  })

  it('need not exist for that', async () => {
    await removeLeftLocks(join(parent, 'nowhere'))
  })

  it('that does not exist holds none', async () => {
    expect(await listJournals(folder)).toEqual([])
  })

  it('names a transfer by the beginning of its id', async () => {
    for (const id of ['abcd000000000000', 'abcd111111111111']) {
      const journal = await openJournal(folder, { ...TRANSFER, id })
      await journal.append(upload)
      await journal.close()
    }
    await writeFile(join(folder, 'notes.txt'), 'not ours')
    expect(await listJournals(folder)).toHaveLength(2)
    expect(await findJournal(folder, 'abcd1')).toMatchObject({ id: 'abcd111111111111' })
    expect(await failure(findJournal(folder, 'abcd'))).toMatchObject({ code: 'USAGE' })
    expect(await failure(findJournal(folder, 'ffff'))).toMatchObject({ code: 'TRANSFER_NOT_FOUND' })
    expect(await failure(findJournal(folder, ''))).toMatchObject({ code: 'TRANSFER_NOT_FOUND' })
  })
})
