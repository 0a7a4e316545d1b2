import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { generateKeyPair, serializeSecretKey } from '../../src/index.ts'
import type { Fault, FaultRequest } from '../../src/sandbox/faults.ts'
import { practiceProjects } from '../../src/sandbox/practice-projects.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { createPerson, type Person } from '../support/cli.ts'
import { expectFailure } from '../support/failure.ts'
import { manyKeys, seedBucket } from '../support/many-objects.ts'
import { sealedObject } from '../support/sealed-object.ts'

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
/** More than the keys of one page, so that a listing can break between two. */
const COUNT = 1500
const KEYS = [...manyKeys(COUNT)]
const PLAIN_SIZE = 1000
const SIZE = 124 + PLAIN_SIZE + 28

let folder: string
let sandbox: Sandbox
let person: Person
/** Objects whose first bytes were fetched. */
let fetched = 0
let onFetched: (() => void) | undefined
let faults: (request: FaultRequest) => Fault | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-ls-'))
  const projects = practiceProjects()
  const [group] = projects
  const reader = await generateKeyPair()
  const directory = join(folder, 'sandbox')
  seedBucket(directory, {
    bucket: 'many',
    owner: group!,
    objects: KEYS.map((objectKey) => ({ objectKey })),
    body: await sealedObject(Buffer.alloc(PLAIN_SIZE), reader),
  })
  sandbox = await startSandbox({
    directory,
    projects,
    faults: (request) => faults(request),
    onRequest: ({ operation }) => {
      if (operation !== 'GetObject') return
      fetched += 1
      onFetched?.()
    },
  })
  person = await createPerson(sandbox.endpoint, group!)
  await writeFile(join(person.home, 'reader.sec'), await serializeSecretKey(reader, {}))
  await writeFile(join(person.home, 'other.sec'), await serializeSecretKey(await generateKeyPair(), {}))
})
afterAll(async () => {
  await person.leave()
  await sandbox.close()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  await rm(join(person.home, '.cache'), { recursive: true, force: true })
  fetched = 0
  onFetched = undefined
  faults = () => undefined
})

const ls = (...args: string[]) => person.sealift(['ls', ...args])
const cacheFolder = (): string => join(person.home, '.cache', 'sealift', 'headers')

describe('a listing', () => {
  it('shows size, time, owner and key, with one listing and nothing else', async () => {
    const run = await ls('s3://many/')
    expect(run).toMatchObject({ code: 0, stderr: '' })
    const lines = run.stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(COUNT + 1)
    expect(lines[0]).toMatch(
      /^ 1\.1 KiB {2}\d{4}-\d\d-\d\dT\S+Z {2}project_2000222 {2}run_0000\/sample_0000000\./,
    )
    expect(lines.at(-1)).toBe('1500 objects, 1.6 MiB')
    expect(fetched).toBe(0)
    await expect(stat(join(person.home, '.cache'))).rejects.toThrow('ENOENT')
  })

  it('is one document with --json', async () => {
    const result = (await person.json(['ls', 's3://many/'])) as { objects: { objectKey: string }[] }
    expect(result).toMatchObject({ bucket: 'many', prefix: '', count: COUNT, totalSize: COUNT * SIZE })
    expect(result.objects.map(({ objectKey }) => objectKey)).toEqual(KEYS)
    expect(Object.keys(result.objects[0]!)).toEqual(['objectKey', 'size', 'etag', 'lastModified', 'ownerId'])
  })

  it('adds up folders', async () => {
    const run = await ls('s3://many/', '--du')
    expect(run.stdout).toMatch(
      /^ 1\.1 MiB +1000 objects {2}run_0000\/\n 56\d KiB +500 objects {2}run_0001\/\n1500 objects, 1\.6 MiB\n$/,
    )
    const result = await person.json(['ls', 's3://many/run_0000/sample_00000', '--du', '--long'])
    expect(result).toEqual({
      bucket: 'many',
      prefix: 'run_0000/sample_00000',
      folders: [{ folder: '', objects: 100, size: 100 * SIZE, plaintextSize: 100 * PLAIN_SIZE }],
      count: 100,
      totalSize: 100 * SIZE,
      totalPlaintextSize: 100 * PLAIN_SIZE,
      unreadable: 0,
    })
  })
})

describe('a listing with headers', () => {
  it('fetches each once, for as long as its object stays as it is', async () => {
    const first = await ls('s3://many/', '--long')
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(
      /project_2000222 {2}crypt4gh +1000 B {2}1 packet {4}run_0000\/sample_0000000\./,
    )
    expect(first.stdout).toContain('1500 objects, 1.6 MiB; 1.4 MiB of plaintext in Crypt4GH\n')
    expect(fetched).toBe(COUNT)
    expect(await ls('s3://many/', '-l')).toEqual(first)
    const mine = (await person.json(['ls', 's3://many/', '--identity', 'reader.sec'])) as {
      objects: { canOpen: boolean }[]
    }
    expect(mine).toMatchObject({ openable: COUNT, notOpenable: 0 })
    expect(mine.objects.every(({ canOpen }) => canOpen)).toBe(true)
    expect((await ls('s3://many/', '-i', 'other.sec')).stdout).toContain(
      `0 can be opened, ${COUNT} are not ours`,
    )
    expect(fetched).toBe(COUNT)
    const [file, ...others] = await readdir(cacheFolder())
    expect(others).toEqual([])
    expect((await stat(join(cacheFolder(), file!))).mode & 0o777).toBe(0o600)
    expect((await stat(cacheFolder())).mode & 0o777).toBe(0o700)
  })

  it('keeps none with --no-cache', async () => {
    for (let time = 1; time <= 2; time++) {
      expect(await ls('s3://many/run_0000/sample_00000', '-l', '--no-cache')).toMatchObject({ code: 0 })
      expect(fetched).toBe(100 * time)
    }
    await expect(stat(join(person.home, '.cache'))).rejects.toThrow('ENOENT')
  })

  it('says that a damaged cache is of no use, and does without', async () => {
    await ls('s3://many/run_0000/sample_00000', '-l')
    const [file] = await readdir(cacheFolder())
    const content = await readFile(join(cacheFolder(), file!))
    content[200]! ^= 1
    await writeFile(join(cacheFolder(), file!), content)
    const run = await ls('s3://many/run_0000/sample_00000', '-l')
    expect(run.code).toBe(0)
    expect(run.stderr).toMatch(/of no use, headers are fetched again/)
    expect(run.stdout).toContain('100 objects')
    expect(await ls('s3://many/run_0000/sample_00000', '-l')).toMatchObject({ code: 0, stderr: '' })
  })

  it('names what cannot be read, and ends well', async () => {
    const unreadable = KEYS[3]!
    faults = ({ objectKey }) =>
      objectKey === unreadable ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined
    const run = await ls('s3://many/run_0000/sample_00000', '-l')
    expect(run.code).toBe(0)
    expect(run.stdout).toMatch(/unreadable +- {2}- +run_0000\/sample_0000003\./)
    expect(run.stdout).toContain('1 object could not be read')
  })

  it('keeps what it fetched when it is interrupted', async () => {
    const running = person.start(['ls', 's3://many/', '-l', '--du'])
    onFetched = () => {
      if (fetched === 500) running.kill('SIGINT')
    }
    const run = await running.ended
    expect(run).toMatchObject({ code: 130, stdout: '' })
    expect(fetched).toBeLessThan(COUNT)
    fetched = 0
    expect(await ls('s3://many/', '-l')).toMatchObject({ code: 0, stderr: '' })
    expect(fetched).toBeLessThan(COUNT - 200)
  })

  it('keeps what it fetched when its reader goes away', async () => {
    const child = spawn(process.execPath, [BIN, 'ls', 's3://many/', '-l'], {
      cwd: person.home,
      env: { PATH: process.env['PATH'], HOME: person.home, AWS_EC2_METADATA_DISABLED: 'true' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [code] = (await once(child, 'close')) as [number | null]
    expect(code).toBe(1)
    const before = fetched
    expect(before).toBeLessThan(COUNT)
    expect((await readdir(cacheFolder())).filter((name) => name.startsWith('.'))).toEqual([])
    await ls('s3://many/', '-l')
    expect(fetched).toBeLessThan(before + COUNT)
  })
})

describe('a listing that fails', () => {
  const denied: Fault = { kind: 'status', status: 403, code: 'AccessDenied' }

  it('at its beginning, is told as any failure', async () => {
    faults = ({ operation }) => (operation === 'ListObjectsV2' ? denied : undefined)
    const run = await ls('s3://many/', '--json')
    expect(run).toMatchObject({ code: 11, stderr: '' })
    expect(JSON.parse(run.stdout)).toMatchObject({ error: { code: 'ACCESS_DENIED' } })
  })

  it('half way, leaves a document without an end and says why on stderr', async () => {
    let lists = 0
    faults = ({ operation }) => (operation === 'ListObjectsV2' && ++lists > 1 ? denied : undefined)
    const run = await ls('s3://many/', '--json')
    expectFailure(run, { code: 11, error: /denied at ListObjectsV2/ })
    expect(run.stdout).toContain('sample_0000000')
    expect(run.stdout).not.toContain('"count"')
    expect(() => JSON.parse(run.stdout) as unknown).toThrow()
    lists = 0
    const text = await ls('s3://many/')
    expectFailure(text, { code: 11, error: /denied/ })
    expect(text.stdout).not.toContain('objects,')
  })

  it('where nothing is', async () => {
    expectFailure(await ls('s3://many/run_99/', '-l'), { code: 10, error: /no object/ })
    const run = await ls('s3://many/run_99/', '--json', '--du')
    expect(JSON.parse(run.stdout)).toMatchObject({ error: { code: 'OBJECT_NOT_FOUND' } })
  })
})
