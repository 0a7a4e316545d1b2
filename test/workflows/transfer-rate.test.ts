import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { planReport } from '../../src/workflows/plan-report.ts'
import { receive } from '../../src/workflows/receive.ts'
import { measureSealing, rememberedRate, rememberRate } from '../../src/workflows/transfer-rate.ts'

const MIB = 1024 ** 2
const HERE = 'https://s3.example.org'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-rate-'))
  file = join(folder, 'state', 'rates.json')
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

function moved(mibPerSecond: number, endpoint = HERE, direction: 'upload' | 'download' = 'upload') {
  return rememberRate(file, { endpoint, direction, bytes: 2 * mibPerSecond * MIB, seconds: 2 })
}

describe('the rate of earlier transfers', () => {
  it('is the median of the last five, for each endpoint and direction', async () => {
    for (const rate of [1000, 900, 100, 300, 200, 120, 5000]) await moved(rate)
    await moved(40, 'https://elsewhere.example.org')
    await moved(70, HERE, 'download')
    expect(await rememberedRate(file, HERE, 'upload')).toEqual({
      bytesPerSecond: 200 * MIB,
      from: 'earlier',
      transfers: 5,
    })
    expect(await rememberedRate(file, HERE, 'download')).toMatchObject({ bytesPerSecond: 70 * MIB })
    expect(await rememberedRate(file, 'https://third.example.org', 'upload')).toBeUndefined()
  })

  it('is not taken from a transfer too small to tell', async () => {
    const small = { endpoint: HERE, direction: 'upload', bytes: 64 * MIB - 1, seconds: 1 } as const
    expect(await rememberRate(file, small)).toBe(false)
    expect(await rememberedRate(file, HERE, 'upload')).toBeUndefined()
  })

  it('is for nobody else to read, and forgets the endpoints not used for longest', async () => {
    for (let index = 0; index < 120; index += 1) await moved(100, `https://${index}.example.org`)
    expect(((await stat(file)).mode & 0o777).toString(8)).toBe('600')
    expect(await rememberedRate(file, 'https://0.example.org', 'upload')).toBeUndefined()
    expect(await rememberedRate(file, 'https://119.example.org', 'upload')).toBeDefined()
  })

  it('is unknown, not a failure, when its file is damaged, and is remembered anew', async () => {
    await moved(100)
    await writeFile(file, '{"version":1,"rates":[{')
    expect(await rememberedRate(file, HERE, 'upload')).toBeUndefined()
    expect(await moved(150)).toBe(true)
    expect(await rememberedRate(file, HERE, 'upload')).toMatchObject({ transfers: 1 })
  })

  it('is not worth failing a transfer for when it cannot be noted', async () => {
    await writeFile(join(folder, 'state'), 'a file where the folder should be')
    expect(await moved(100)).toBe(false)
    expect(await readFile(join(folder, 'state'), 'utf8')).toMatch(/^a file/)
  })
})

describe('a plan without earlier transfers', () => {
  it('measures the sealing of the file and says that it is only that', async () => {
    const source = join(folder, 'reads.bam')
    await writeFile(source, randomBytes(9 * MIB))
    const pairs = [{ source, target: 's3://import/reads.bam.c4gh', size: 9 * MIB }]
    const request = { direction: 'upload', pairs, endpoint: HERE, ratesFile: file, concurrency: 4 } as const
    const measured = await planReport({ ...request, listPairs: true })
    expect(measured).toMatchObject({ rate: { from: 'sealing' }, secondsAreAtLeast: true, pairs })
    expect(measured.rate?.bytesPerSecond).toBeGreaterThan(0)
    await moved(100)
    const remembered = await planReport({ ...request, listPairs: false })
    expect(remembered).toMatchObject({ rate: { from: 'earlier', bytesPerSecond: 100 * MIB } })
    expect(remembered).not.toHaveProperty('pairs')
  })

  it('fetches the start of the largest object', async () => {
    const store = createMemoryStore()
    await store.createBucket('import')
    await store.putObject('import', 'a/large.c4gh', randomBytes(6 * MIB))
    const pairs = [
      { source: 's3://import/a/small.c4gh', target: 'small', size: 10 },
      { source: 's3://import/a/large.c4gh', target: 'large', size: 6 * MIB },
    ]
    const plan = await planReport({
      direction: 'download',
      pairs,
      endpoint: HERE,
      ratesFile: file,
      concurrency: 4,
      listPairs: false,
      from: { store, bucket: 'import' },
    })
    expect(plan.rate?.from).toBe('fetching')
  })

  it('of a prefix counts what would be fetched, and what the patterns leave out is not', async () => {
    const store = createMemoryStore()
    await store.createBucket('import')
    await store.putObject('import', 'run/a.bam.c4gh', randomBytes(1000))
    await store.putObject('import', 'run/b.bam.c4gh', randomBytes(2000))
    await store.putObject('import', 'run/notes.txt', randomBytes(3000))
    const expiry = new Date('2026-11-22T00:00:00Z')
    const plan = await receive({
      plan: true,
      connection: { store, endpoint: HERE, credentialsExpireAt: async () => expiry, close: () => undefined },
      bucket: 'import',
      source: 'run/',
      destination: join(folder, 'run'),
      identities: [],
      decrypt: true,
      force: false,
      include: ['*.bam'],
      ratesFile: file,
    })
    expect(plan).toMatchObject({ files: 2, wireBytes: 3000, parts: 2, credentialsExpire: expiry })
    expect(plan).toMatchObject({ rate: undefined, seconds: undefined })
  })

  it('of a small file knows no rate', async () => {
    const source = join(folder, 'small')
    await writeFile(source, 'reads')
    expect(await measureSealing(source)).toBeUndefined()
  })
})
