import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Fault, FaultRequest } from '../../src/sandbox/faults.ts'
import { practiceProjects } from '../../src/sandbox/practice-projects.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { createS3Store } from '../../src/storage/s3/s3-store.ts'
import { createPerson, type Person } from '../support/cli.ts'

/** What goes wrong in the test at hand. */
let faults: (request: FaultRequest) => Fault | undefined = () => undefined
let onPart: (() => void) | undefined
let folder: string
let sandbox: Sandbox
let animine: Person

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-manners-'))
  const projects = practiceProjects()
  sandbox = await startSandbox({
    directory: join(folder, 'sandbox'),
    projects,
    faults: (request) => faults(request),
    onRequest: ({ operation, status }) => {
      if (operation === 'UploadPart' && status === 200) onPart?.()
    },
  })
  const [group] = projects
  if (group === undefined) throw new RangeError('no project')
  animine = await createPerson(sandbox.endpoint, group)
  await animine.json(['key', 'generate', 'animine', '--no-passphrase'])
  const store = createS3Store({ endpoint: sandbox.endpoint, credentials: group })
  await store.createBucket('inbox')
  store.close()
  await writeFile(join(animine.home, 'reads.bam'), randomBytes(20 * 1024 ** 2))
})
afterAll(async () => {
  await animine.leave()
  await sandbox.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  faults = () => undefined
  onPart = undefined
})

const upload = (name: string, ...more: string[]): string[] => [
  ...['upload', 'reads.bam', `s3://inbox/${name}`, '--to', 'animine.pub', '--part-size', '5MiB'],
  ...['--identity', 'animine.sec', ...more],
]
const download = async (name: string, ...more: string[]): Promise<Buffer> => {
  const to = `${name}.bam`
  await animine.json(['download', `s3://inbox/${name}`, to, '--identity', 'animine.sec', ...more])
  return readFile(join(animine.home, to))
}
const original = (): Promise<Buffer> => readFile(join(animine.home, 'reads.bam'))

describe('a store that is busy and breaks off', () => {
  it('gets the whole object all the same, and the log tells what happened', async () => {
    const struck: Fault[] = [
      { kind: 'status', status: 503, code: 'SlowDown', retryAfter: 1 },
      { kind: 'reset' },
      { kind: 'status', status: 500, code: 'InternalError' },
    ]
    faults = ({ operation, attempt }) =>
      operation === 'UploadPart' && attempt === 1 ? struck.shift() : undefined
    const ended = await animine.sealift(upload('busy', '--log', 'transfer.log', '--nice', '--bwlimit', '1G'))
    expect(ended).toMatchObject({ code: 0 })
    const log = await readFile(join(animine.home, 'transfer.log'), 'utf8')
    const events = log
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string })
    expect(events.filter(({ event }) => event === 'retry')).toHaveLength(3)
    expect(events.at(-1)).toMatchObject({ event: 'finished' })
    const got = await download('busy', '--log', 'download.log', '--bwlimit', '1G', '--nice')
    expect(got.equals(await original())).toBe(true)
    const fetched = await readFile(join(animine.home, 'download.log'), 'utf8')
    expect(fetched).toMatch(/"event":"started","direction":"download"/)
    expect(fetched).toMatch(/"event":"finished".*\n$/)
    expect(log + fetched).not.toMatch(/secret|Signature|PRIVATE/i)
  })
})

describe('a batch system whose time is up', () => {
  it.each(['SIGUSR1', 'SIGTERM', 'SIGINT'] as const)(
    '%s ends with 75, and the same command goes on',
    async (signal) => {
      const command = upload(signal, '--concurrency', '1', '--bwlimit', '20M')
      const running = animine.start(command)
      onPart = () => {
        // The part on its way is awaited: what it does must not count as a second signal.
        onPart = undefined
        running.kill(signal)
      }
      const stopped = await running.ended
      expect(stopped).toMatchObject({ code: 75, signal: null })
      expect(stopped.stderr).not.toContain('Debugger')
      expect(await animine.sealift(command)).toMatchObject({ code: 0 })
      expect((await download(signal)).equals(await original())).toBe(true)
    },
  )
})

it('a log that cannot be opened is refused before anything is sent', async () => {
  const ended = await animine.sealift(upload('unlogged', '--log', '/nowhere/log'))
  expect(ended).toMatchObject({ code: 2 })
  expect(await readdir(animine.home)).not.toContain('unlogged')
  expect(await animine.sealift(['ls', 's3://inbox/unlogged'])).not.toMatchObject({
    stdout: expect.stringContaining('unlogged') as string,
  })
})
