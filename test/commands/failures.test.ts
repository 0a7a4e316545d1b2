import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPerson, type Person } from '../support/cli.ts'
import { expectFailure } from '../support/failure.ts'

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

let person: Person

beforeAll(async () => {
  person = await createPerson('http://127.0.0.1:9', { accessKeyId: 'none', secretAccessKey: 'none' })
  await person.json(['key', 'generate', 'animine', '--no-passphrase'])
})
afterAll(async () => {
  await person.leave()
})

describe('a wrong command line ends with 2, before anything is done', () => {
  it.each<[string[], RegExp]>([
    [['uplaod', 'x'], /unknown command uplaod/],
    [['key', 'shw'], /unknown command key shw/],
    [['key', 'show'], /missing argument FILE/],
    [['key', 'show', 'animine.pub', '--frob'], /unknown flag --frob/],
    [['project', 'list', 'extra'], /extra/],
    [['key', 'publish', 'animine.pub', 's3://animine-data-import-1', 'extra'], /unexpected argument extra/],
    [['access', 'revoke', 'animine-data-import-1'], /missing flag --project/],
    [['access', 'grant', 'animine-data-import-1', '--project', 'p', '--role', 'owner'], /depositor, reader/],
    [['upload', 'animine.pub', '--to', 'animine.pub'], /not an s3 address/],
    [['upload', 'animine.pub', 'not-a-url', '--to', 'animine.pub'], /s3 address/],
    [['upload', 'animine.pub', 's3://b_u/x/', '--part-size', '8XB'], /not a size/],
    [['download', 's3://animine-data-import-1/x', '--no-decrypt', '--identity', 'animine.sec'], /--identity/],
    [['download', 's3://animine-data-import-1/x'], /no identity/],
    [['ls', 's3://x'], /bucket name/],
    [['bucket', 'open', 'Animine_1', '--for', 'rgw:project_2000111'], /bucket name/],
    [['bucket', 'open', 'animine-1', '--for', 'rgw:project_2000111', '--until', 'soon'], /soon/],
    [['decrypt', 'animine.pub', '--identity', 'animine.sec'], /does not end in \.c4gh/],
    [['encrypt', 'animine.pub', '--to', 'animine.pub', '--output', '-', '--json'], /--json/],
  ])('%j', async (args, error) => {
    const run = await person.sealift(args)
    if (args.includes('--json')) expect(JSON.parse(run.stdout)).toMatchObject({ error: { code: 'USAGE' } })
    else expectFailure(run, { code: 2, error, hint: /./ })
    expect(run.code).toBe(2)
  })

  it('is JSON with --json, also where no command was found', async () => {
    const run = await person.sealift(['uplaod', '--json'])
    expect(run).toMatchObject({ code: 2, stderr: '' })
    expect(JSON.parse(run.stdout)).toMatchObject({
      error: { code: 'USAGE', message: 'unknown command uplaod' },
    })
  })

  it('what stands after -- is a name, not a switch', async () => {
    const run = await person.sealift(['key', 'show', '--', '--json'])
    expectFailure(run, { code: 10, error: /--json/ })
  })
})

describe('more is said with --verbose', () => {
  it('the code and what led to it', async () => {
    const { stderr } = await person.sealift(['key', 'show', 'missing.pub', '--verbose'])
    expect(stderr).toMatch(/^code: FILE_NOT_FOUND$/m)
    expect(stderr).toMatch(/^caused by: .*ENOENT/m)
  })
})

describe('files may be streams', () => {
  it('encrypt and decrypt in a pipe give the bytes back, and only talk on stderr', async () => {
    const plaintext = Buffer.alloc(200_000, 'ACGT\n')
    const sealed = await person.sealift(['encrypt', '-', '--to', 'animine.pub'], { input: plaintext })
    expect(sealed).toMatchObject({ code: 0, stderr: expect.stringContaining('animine.pub') as string })
    const opened = await person.sealift(['decrypt', '-', '--identity', 'animine.sec'], {
      input: sealed.stdoutBytes,
    })
    expect(opened.code).toBe(0)
    expect(opened.stdoutBytes.equals(plaintext)).toBe(true)
  })

  it('what was cut off on its way is an error, and says that the output is incomplete', async () => {
    const plaintext = Buffer.alloc(200_000, 'ACGT\n')
    const { stdoutBytes } = await person.sealift(['encrypt', '-', '--to', 'animine.pub', '--quiet'], {
      input: plaintext,
    })
    const run = await person.sealift(['decrypt', '-', '--identity', 'animine.sec'], {
      input: stdoutBytes.subarray(0, stdoutBytes.length - 10),
    })
    expectFailure(run, { code: 13, error: /./, hint: /incomplete/ })
    expect(plaintext.subarray(0, run.stdoutBytes.length).equals(run.stdoutBytes)).toBe(true)
  })

  it('--quiet says nothing but errors', async () => {
    const run = await person.sealift(['encrypt', '-', '--to', 'animine.pub', '-q'], {
      input: Buffer.from('x'),
    })
    expect(run).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('a signal', () => {
  /** `encrypt` of an endless stdin into stdout, as soon as it has begun. */
  async function encrypting(output: string[]) {
    const env = { PATH: process.env['PATH'], HOME: person.home }
    const child = spawn(process.execPath, [BIN, 'encrypt', '-', '--to', 'animine.pub', ...output], {
      cwd: person.home,
      env,
      stdio: 'pipe',
    })
    child.stdin.on('error', () => undefined)
    child.stdin.write(Buffer.alloc(2_000_000))
    const stderr = text(child.stderr)
    if (output.length === 0) await once(child.stdout, 'data')
    else while (!(await readdir(person.home)).some((name) => name.includes('partial'))) await tick()
    child.stdout.resume()
    return { child, stderr }
  }

  it.each([
    ['SIGINT', 130, /^error: interrupted$/m],
    ['SIGTERM', 143, /^error: terminated$/m],
  ] as const)('%s ends with %d after cleaning up', async (signal, exitCode, said) => {
    const before = await readdir(person.home)
    const { child, stderr } = await encrypting(['--output', 'endless.c4gh'])
    child.kill(signal)
    await once(child, 'close')
    expect({ code: child.exitCode, signal: child.signalCode }).toEqual({ code: exitCode, signal: null })
    expect(await stderr).toMatch(said)
    expect(await readdir(person.home)).toEqual(before)
  })

  it('interrupts a command that writes to stdout too', async () => {
    const { child, stderr } = await encrypting([])
    child.kill('SIGINT')
    await once(child, 'close')
    expect(child.exitCode).toBe(130)
    expect(await stderr).toMatch(/^hint: .*incomplete/m)
  })
})

it('a second signal does not wait for anything', async () => {
  await person.json(['key', 'generate', 'locked'], { env: { C4GH_PASSPHRASE: 'correct horse' } })
  const env = { PATH: process.env['PATH'], HOME: person.home }
  const show = [BIN, 'key', 'show', 'locked.sec', '--passphrase-command', 'echo asking >&2; exec sleep 5']
  const child = spawn(process.execPath, show, { cwd: person.home, env, stdio: 'pipe' })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
    if (/asking|again/.test(chunk)) child.kill('SIGINT')
  })
  await once(child, 'exit')
  expect({ code: child.exitCode, signal: child.signalCode, said }).toEqual({
    code: 130,
    signal: null,
    said: expect.stringContaining('press Ctrl-C again') as string,
  })
})

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20))
}
