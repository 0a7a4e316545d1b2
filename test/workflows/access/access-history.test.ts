import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readHistory, recordAccess, type AccessEvent } from '../../../src/workflows/access-history.ts'
import { sinceOf } from '../../../src/workflows/bucket-findings-people.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-history-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function event(at: string, more: Partial<AccessEvent> = {}): AccessEvent {
  return {
    at: `2026-11-${at}T00:00:00.000Z`,
    endpoint: 'https://s3.example.org',
    bucket: 'inbox',
    what: 'granted',
    identity: 'rgw:project_1',
    role: 'reader',
    ...more,
  }
}

describe('the history of access', () => {
  it('is empty where there is none', async () => {
    expect(await readHistory(join(folder, 'none.jsonl'))).toEqual({ events: [], damagedLines: 0 })
  })

  it('gives back what was recorded, in order, and is for its owner alone', async () => {
    const path = join(folder, 'deep', 'history.jsonl')
    const events = [event('01'), event('02', { what: 'revoked', by: 'AKIA' }), event('03')]
    for (const one of events) await recordAccess(path, one)
    expect(await readHistory(path)).toEqual({ events, damagedLines: 0 })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('keeps what processes record at the same time', async () => {
    const path = join(folder, 'busy.jsonl')
    const events = Array.from({ length: 50 }, (_, index) => event('01', { bucket: `bucket-${index}` }))
    await Promise.all(events.map((one) => recordAccess(path, one)))
    const read = await readHistory(path)
    expect(read.damagedLines).toBe(0)
    expect(new Set(read.events.map(({ bucket }) => bucket)).size).toBe(50)
  })

  it('leaves damaged lines out and counts them; a torn one does not swallow the next', async () => {
    const path = join(folder, 'damaged.jsonl')
    await recordAccess(path, event('01'))
    await appendFile(path, 'no json\n{"at":"yesterday"}\n')
    await appendFile(path, `${JSON.stringify(event('02', { bucket: 'x'.repeat(5000) }))}\n{"at":"2026-`)
    await recordAccess(path, event('03'))
    expect(await readHistory(path)).toEqual({ events: [event('01'), event('03')], damagedLines: 4 })
  })

  it('refuses to record what it could not read again', async () => {
    const path = join(folder, 'refused.jsonl')
    await expect(recordAccess(path, event('1', { at: 'now' }))).rejects.toThrow()
    expect(await readHistory(path)).toEqual({ events: [], damagedLines: 0 })
  })

  it('tells since when a role is held without a break', () => {
    expect(sinceOf([event('01'), event('05')], 'reader')).toBe(event('01').at)
    expect(sinceOf([event('01', { until: event('03').at }), event('05')], 'reader')).toBe(event('05').at)
    expect(sinceOf([event('01'), event('02', { what: 'revoked' }), event('05')], 'reader')).toBe(
      event('05').at,
    )
    expect(sinceOf([event('01', { role: 'depositor' }), event('05')], 'reader')).toBe(event('05').at)
    expect(sinceOf([event('01'), event('05', { what: 'adopted' })], 'reader')).toBe(event('01').at)
  })

  it('tells nothing that does not fit what the bucket shows', () => {
    expect(sinceOf([event('01')], 'collaborator')).toBeUndefined()
    expect(sinceOf([event('01'), event('02', { what: 'revoked' })], 'reader')).toBeUndefined()
    expect(sinceOf([event('01'), event('02', { what: 'revoked' })], 'blocked')).toBe(event('02').at)
    expect(sinceOf([], 'reader')).toBeUndefined()
  })
})
