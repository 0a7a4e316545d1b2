import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { createPerson, type Person } from '../support/cli.ts'
import { expectFailure } from '../support/failure.ts'
import { startServing } from '../support/serving.ts'

const PLAINTEXT = randomBytes(3 * 1024 ** 2 + 11)
const RUN = 's3://animine-data-import-1/run/'
const KEY = ['--identity', 'animine.sec']

const project = { uid: 'animine', accessKeyId: 'AKanimine', secretAccessKey: 'SKanimine' }

let directory: string
let sandbox: Sandbox
let person: Person

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sealift-sandbox-'))
  sandbox = await startSandbox({ directory, projects: [project], port: 0 })
  person = await createPerson(sandbox.endpoint, project)
  await person.json(['key', 'generate', 'animine', '--no-passphrase'])
  await person.json(['key', 'generate', 'stranger', '--no-passphrase'])
  await person.json(['bucket', 'open', 'animine-data-import-1', '--for', 'rgw:producer'])
  await writeFile(join(person.home, 'reads.bam'), PLAINTEXT)
  await writeFile(join(person.home, 'reads.bam.bai'), 'index')
  await person.json(['upload', 'reads.bam', 'reads.bam.bai', RUN, '--to', 'animine.pub'])
})
afterAll(async () => {
  await person.leave()
  await sandbox.close()
  await rm(directory, { recursive: true, force: true })
})

const bytes = async (url: string, range?: string): Promise<Buffer> => {
  const answer = await fetch(url, { headers: range === undefined ? {} : { range } })
  expect(answer.ok).toBe(true)
  return Buffer.from(await answer.arrayBuffer())
}

describe('sealift serve', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('offers a prefix until %s, and ends with 0', async (signal) => {
    const { address, end } = await startServing(person, [RUN, ...KEY])
    expect((await bytes(`${address}reads.bam`)).equals(PLAINTEXT)).toBe(true)
    const part = await bytes(`${address}reads.bam`, 'bytes=70000-80000')
    expect(part.equals(PLAINTEXT.subarray(70_000, 80_001))).toBe(true)
    expect((await bytes(address)).toString()).toContain('reads.bam.bai')
    const { code, stdout, stderr } = await end(signal)
    expect(code).toBe(0)
    const [first, ...rest] = stdout.split('\n')
    expect(first).toBe(address)
    expect(rest.join('\n')).toMatch(/run\/ was served for .*: 3 requests, 3(\.\d)? MiB/)
    expect(stderr).toContain(`serves ${RUN} decrypted`)
    expect(await readdir(person.home)).not.toContain('url')
  })

  it('tells a program what was done, and keeps the address out of it', async () => {
    const { address, end } = await startServing(person, [`${RUN}reads.bam.c4gh`, ...KEY, '--json'])
    await bytes(address, 'bytes=0-9')
    const { code, stdout, stderr } = await end()
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      bucket: 'animine-data-import-1',
      objectKey: 'run/reads.bam.c4gh',
      requests: 1,
      servedBytes: 10,
      cutShort: 0,
    })
    const [, token] = /([\w-]{43})/.exec(address) ?? []
    expect(stdout + stderr).not.toContain(token)
  })

  it('says on stderr what could not be read', async () => {
    await writeFile(join(person.home, 'other'), 'for somebody else')
    const other = 's3://animine-data-import-1/run/other.c4gh'
    await person.json(['upload', 'other', other, '--to', 'stranger.pub'])
    const { address, end } = await startServing(person, [RUN, ...KEY])
    expect((await fetch(`${address}other`)).status).toBe(403)
    const { code, stderr } = await end()
    expect(code).toBe(0)
    expect(stderr).toContain('run/other.c4gh: no identity opens this file')
  })

  it('leaves no address of an earlier run, even if it can serve nothing', async () => {
    const earlier = join(person.home, 'earlier')
    await writeFile(earlier, `http://127.0.0.1:8123/${'t'.repeat(43)}/\n`)
    const args = [RUN, '--identity', 'nobody.sec', '--url-file', 'earlier']
    expect((await person.sealift(['serve', ...args])).code).toBe(10)
    expect(await readdir(person.home)).not.toContain('earlier')
  })

  it.each<[string[], number, RegExp]>([
    [[RUN], 2, /no identity/],
    [[RUN, ...KEY, '--json'], 2, /address/],
    [[RUN, ...KEY, '--memory', '1MiB'], 2, /--memory/],
    [[RUN, ...KEY, '--port', '70000'], 2, /port/],
    [[RUN, ...KEY, '--allow-origin', '*'], 2, /origin/],
    [['s3://animine-data-import-1/nothing/', ...KEY], 10, /no object below/],
    [[`${RUN}reads.bam`, ...KEY], 10, /reads\.bam/],
    [[`${RUN}reads.bam.c4gh`, '--identity', 'stranger.sec'], 12, /no identity opens/],
    [[RUN, ...KEY, '--url-file', 'animine.pub'], 14, /another file is there/],
  ])('%j is refused with %i', async (args, code, error) => {
    const run = await person.sealift(['serve', ...args])
    if (args.includes('--json')) {
      expect(run.code).toBe(code)
      expect(run.stdout).toMatch(error)
    } else expectFailure(run, { code, error })
  })
})
