import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { RequestNotice } from '../../src/sandbox/notices.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { createPerson, type Person } from '../support/cli.ts'
import { expectFailure } from '../support/failure.ts'
import { s3Client } from '../support/s3.ts'

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const MIB = 1024 ** 2
const PLAINTEXT = randomBytes(20 * MIB + 11)
const READS = 's3://animine-data-import-1/run/reads.c4gh'
const KEY = ['--identity', 'animine.sec']

const project = { uid: 'animine', accessKeyId: 'AKanimine', secretAccessKey: 'SKanimine' }

let directory: string
let sandbox: Sandbox
let person: Person
let gets = 0
let beforeGet: () => Promise<void> | void = () => undefined

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sealift-sandbox-'))
  const beforeRequest = async ({ operation }: RequestNotice): Promise<void> => {
    if (operation !== 'GetObject') return
    gets += 1
    await beforeGet()
  }
  sandbox = await startSandbox({ directory, projects: [project], port: 0, beforeRequest })
  person = await createPerson(sandbox.endpoint, project)
  await person.json(['key', 'generate', 'animine', '--no-passphrase'])
  await person.json(['bucket', 'open', 'animine-data-import-1', '--for', 'rgw:producer'])
  await writeFile(join(person.home, 'reads'), PLAINTEXT)
  await writeFile(join(person.home, 'notes'), 'lane 1: 2 samples\n')
  const target = 's3://animine-data-import-1/run/'
  await person.json(['upload', 'reads', 'notes', target, '--to', 'animine.pub'])
})
afterEach(() => {
  gets = 0
  beforeGet = () => undefined
})
afterAll(async () => {
  await person.leave()
  await sandbox.close()
  await rm(directory, { recursive: true, force: true })
})

const transfersFolder = () => inHome('.local', 'state', 'sealift', 'transfers')
const inHome = (...names: string[]) => join(person.home, ...names)

describe('sealift download', () => {
  it('that a batch system stops ends with 75, and the same command goes on', async () => {
    const args = ['download', READS, 'back', ...KEY, '--part-size', '1MiB', '--concurrency', '2']
    const enough = new Promise<void>((resolve) => {
      beforeGet = async () => {
        if (gets <= 12) return
        resolve()
        // Whatever is asked for now is still on its way when the signal comes.
        await new Promise((later) => setTimeout(later, 2000))
      }
    })
    const running = person.start(args)
    await enough
    running.kill('SIGTERM')
    const stopped = await running.ended
    expectFailure(stopped, {
      code: 75,
      error: /stopped after .* of 20 MiB/,
      hint: /run the same command again/,
    })
    expect(await readdir(person.home)).toContain('.back.partial')
    expect(await readdir(person.home)).not.toContain('back')

    gets = 0
    beforeGet = () => undefined
    const ended = await person.sealift(args)
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(/went on after \d+(\.\d)? MiB/)
    expect((await readFile(inHome('back'))).equals(PLAINTEXT)).toBe(true)
    // The header, and what was not written down: 10 of 21 were finished, but for the last checkpoint.
    expect(gets).toBeLessThan(18)
    expect(await readdir(transfersFolder())).toEqual([])
  })

  it('that was killed goes on as well, by the name of the transfer', async () => {
    const args = ['download', READS, 'killed', ...KEY, '--part-size', '1MiB', '--concurrency', '2']
    const enough = new Promise<void>((resolve) => {
      beforeGet = async () => {
        if (gets <= 14) return
        resolve()
        await new Promise((later) => setTimeout(later, 1000))
      }
    })
    const running = person.start(args)
    await enough
    // The last checkpoint takes its time.
    await new Promise((later) => setTimeout(later, 300))
    running.kill('SIGKILL')
    expect(await running.ended).toMatchObject({ signal: 'SIGKILL' })
    gets = 0
    beforeGet = () => undefined
    const [journal] = (await readdir(transfersFolder())).filter((name) => name.endsWith('.jsonl'))
    const id = journal?.replace('.jsonl', '') ?? 'none'
    expect(await person.sealift(['transfer', 'resume', id])).toMatchObject({ code: 0 })
    expect((await readFile(inHome('killed'))).equals(PLAINTEXT)).toBe(true)
    expect(gets).toBeLessThan(21)
  })

  it('shows what it would do', async () => {
    const run = await person.sealift([
      ...['download', 's3://animine-data-import-1/run/', 'planned/', ...KEY],
      ...['--dry-run', '--exclude', 'notes'],
    ])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toBe(
      [
        'run/reads.c4gh  planned/reads  20 MiB',
        'would download 1 object, 20 MiB',
        'left out 1 object by --include and --exclude\n',
      ].join('\n'),
    )
    expect(gets).toBe(0)
  })

  it('fits into the memory it is given', async () => {
    const sized = ['--memory', '2MiB', '--workers', '0', '--force']
    const run = await person.sealift(['download', READS, 'small', ...KEY, ...sized])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect((await readFile(inHome('small'))).equals(PLAINTEXT)).toBe(true)
    expectFailure(await person.sealift(['download', READS, 'small', ...KEY, '--memory', '1k']), {
      code: 2,
      error: /memory/,
    })
  })
})

describe('sealift cat', () => {
  it('writes an object, or a part of it, to stdout and nothing else', async () => {
    const whole = await person.sealift(['cat', READS, ...KEY])
    expect(whole).toMatchObject({ code: 0, stderr: '' })
    expect(whole.stdoutBytes.equals(PLAINTEXT)).toBe(true)
    const part = await person.sealift(['cat', READS, ...KEY, '--bytes', '70000:100000'])
    expect(part.stdoutBytes.equals(PLAINTEXT.subarray(70_000, 170_000))).toBe(true)
    const stored = await person.sealift(['cat', READS, '--no-decrypt', '--bytes', '0:8'])
    expect(stored.stdout).toBe('crypt4gh')
  })

  it('ends quietly, and fetches no more, when the reader has enough', async () => {
    const env = { PATH: process.env['PATH'], HOME: person.home }
    const child = spawn(process.execPath, [BIN, 'cat', READS, ...KEY], {
      cwd: person.home,
      env,
      stdio: 'pipe',
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    await once(child.stdout, 'readable')
    child.stdout.destroy()
    await once(child, 'close')
    expect({ code: child.exitCode, stderr }).toEqual({ code: 1, stderr: '' })
    expect(gets).toBeLessThan(6)
  })

  it('says that what came out is incomplete when the object is damaged further on', async () => {
    await person.json(['download', READS, 'damaged.c4gh', '--no-decrypt'])
    const damaged = await readFile(inHome('damaged.c4gh'))
    damaged[15 * MIB] = (damaged[15 * MIB] ?? 0) ^ 1
    const object = { Bucket: 'animine-data-import-1', Key: 'damaged.c4gh', Body: damaged }
    await s3Client(sandbox.endpoint, project).send(new PutObjectCommand(object))
    const run = await person.sealift(['cat', 's3://animine-data-import-1/damaged.c4gh', ...KEY])
    expect(run.code).toBe(13)
    expect(run.stderr).toContain('what was written to stdout is incomplete: throw it away')
    const written = run.stdoutBytes
    expect(written.length).toBeGreaterThan(0)
    expect(written.length).toBeLessThan(15 * MIB)
    expect(written.equals(PLAINTEXT.subarray(0, written.length))).toBe(true)
  })

  it.each([
    [['--json'], 2, /--json/],
    [['--bytes', '20971520:100'], 2, /beyond the end/],
    [['--bytes', 'all'], 2, /not a range/],
  ])('%j is refused before anything is written', async (flags, code, error) => {
    const run = await person.sealift(['cat', READS, ...KEY, ...flags])
    expect(run.code).toBe(code)
    expect(`${run.stderr}${run.stdout}`).toMatch(error)
    expect(run.stdoutBytes.length).toBeLessThan(1000)
  })

  it('needs a key, and an object', async () => {
    expectFailure(await person.sealift(['cat', READS]), { code: 2, error: /no identity/ })
    const nothing = await person.sealift(['cat', 's3://animine-data-import-1/nothing', ...KEY])
    expectFailure(nothing, { code: 10, error: /nothing/ })
  })
})
