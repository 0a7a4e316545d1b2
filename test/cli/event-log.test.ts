import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEventLog } from '../../src/cli/event-log.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-log-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('a log of what happens', () => {
  it('has a line for each event, in their order, with the time, for its owner alone', async () => {
    const path = join(folder, 'log')
    const log = await openEventLog(path)
    for (let partNumber = 1; partNumber <= 500; partNumber += 1) {
      log.record({ event: 'part', partNumber } as { event: string })
      if (partNumber % 100 === 0) await new Promise(setImmediate)
    }
    expect(await log.close()).toBeUndefined()
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
    const events = lines.map(
      (line) => JSON.parse(line) as { time: string; event: string; partNumber: number },
    )
    expect(events.map(({ partNumber }) => partNumber)).toEqual(Array.from({ length: 500 }, (_, n) => n + 1))
    for (const { time } of events) expect(new Date(time).toISOString()).toBe(time)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('goes on where an earlier one ended', async () => {
    const path = join(folder, 'log')
    for (const event of ['started', 'finished']) {
      const log = await openEventLog(path)
      log.record({ event })
      await log.close()
    }
    expect((await readFile(path, 'utf8')).match(/"event":"\w+"/g)).toEqual([
      '"event":"started"',
      '"event":"finished"',
    ])
  })

  it('keeps an event on one line, and what could move a cursor is escaped', async () => {
    const path = join(folder, 'log')
    const log = await openEventLog(path)
    const objectKey = 'a\nb\u001b[2J\u202e.c4gh'
    log.record({ event: 'object', objectKey } as { event: string })
    await log.close()
    const text = await readFile(path, 'utf8')
    expect(text).toMatch(/^[ -~]+\n$/)
    expect(JSON.parse(text)).toMatchObject({ objectKey })
  })

  it.each(['-', '/nowhere/log', '/'])('%j is refused before anything is moved', async (path) => {
    await expect(openEventLog(path)).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('on a full disk ends quietly, and says at the end that it is incomplete', async () => {
    const log = await openEventLog('/dev/full')
    for (let at = 0; at < 3; at += 1) log.record({ event: 'part' })
    await new Promise((resolve) => setTimeout(resolve, 50))
    log.record({ event: 'part' })
    expect(await log.close()).toMatch(/^the log \/dev\/full is incomplete: .*ENOSPC/)
  })
})
