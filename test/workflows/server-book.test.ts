import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Provider, Support } from '../../src/storage/provider/provider.ts'
import { readServer, writeServer } from '../../src/workflows/server-book.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-servers-'))
  file = join(folder, 'config', 'servers.json')
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const SEEN = new Date('2026-11-21T12:00:00Z')
const provider = (policy: Support): Provider => ({
  name: 'ceph',
  title: 'Ceph RGW',
  dialect: 'rgw',
  capabilities: {
    policy,
    policyConditions: 'enforced',
    prefixCondition: 'unknown',
    policyReplacesOwner: false,
    bucketAcl: 'enforced',
    objectAcl: 'enforced',
    uploaderOwns: true,
    versioning: 'absent',
    conditionalPut: 'enforced',
    conditionalComplete: 'ignored',
    copyPart: 'enforced',
    checksums: 'ignored',
    tenants: true,
  },
})

describe('what is remembered about servers', () => {
  it('is nothing at first', async () => {
    expect(await readServer(file, 'https://a3s.fi')).toBeUndefined()
  })

  it('comes back as it was written, for this server alone', async () => {
    await writeServer(file, 'https://a3s.fi', provider('enforced'), SEEN)
    await writeServer(file, 'https://lumidata.eu', provider('absent'), SEEN)
    expect(await readServer(file, 'https://a3s.fi')).toEqual(provider('enforced'))
    expect(await readServer(file, 'https://lumidata.eu')).toEqual(provider('absent'))
    expect(await readServer(file, 'http://a3s.fi')).toBeUndefined()
    expect(await readServer(file, 'constructor')).toBeUndefined()
  })

  it('is found however the address is spelled', async () => {
    await writeServer(file, 'https://A3S.fi:443/', provider('enforced'), SEEN)
    expect(await readServer(file, 'https://a3s.fi')).toEqual(provider('enforced'))
    await writeServer(file, 'https://a3s.fi', provider('ignored'), SEEN)
    expect(await readServer(file, 'https://a3s.fi/')).toEqual(provider('ignored'))
    expect(
      Object.keys((JSON.parse(await readFile(file, 'utf8')) as { servers: object }).servers),
    ).toHaveLength(1)
  })

  it('is for its owner alone to read', async () => {
    await writeServer(file, 'https://a3s.fi', provider('enforced'), SEEN)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('makes room for new servers at the cost of those seen longest ago', async () => {
    const seenAt = (number: number) => new Date(SEEN.getTime() + number * 1000)
    const entries = Array.from({ length: 205 }, (_, number) => [
      `https://s${number}.example`,
      { seenAt: seenAt(number).toISOString(), provider: provider('enforced') },
    ])
    await mkdir(dirname(file))
    await writeFile(file, JSON.stringify({ version: 1, servers: Object.fromEntries(entries) as object }))
    await writeServer(file, 'https://s205.example', provider('enforced'), seenAt(205))
    expect(await readServer(file, 'https://s5.example')).toBeUndefined()
    expect(await readServer(file, 'https://s6.example')).toBeDefined()
    expect(await readServer(file, 'https://s205.example')).toBeDefined()
  })

  it('does not count when another version wrote it, and the other servers do', async () => {
    await writeServer(file, 'https://a3s.fi', provider('enforced'), SEEN)
    const book = JSON.parse(await readFile(file, 'utf8')) as { servers: Record<string, unknown> }
    book.servers['https://new.example'] = {
      seenAt: SEEN.toISOString(),
      provider: { name: 'ceph', mind: 'reading' },
    }
    await writeFile(file, JSON.stringify(book))
    expect(await readServer(file, 'https://new.example')).toBeUndefined()
    expect(await readServer(file, 'https://a3s.fi')).toEqual(provider('enforced'))
  })

  it('is never replaced when the file is damaged', async () => {
    await writeServer(file, 'https://a3s.fi', provider('enforced'), SEEN)
    await writeFile(file, '{"version": 1, "serv')
    await expect(readServer(file, 'https://a3s.fi')).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    const again = writeServer(file, 'https://a3s.fi', provider('absent'), SEEN)
    await expect(again).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    expect(await readFile(file, 'utf8')).toBe('{"version": 1, "serv')
  })
})
