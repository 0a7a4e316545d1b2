import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  generateKeyPair,
  readHeader,
  sealedHeaderSize,
  serializePublicKey,
  serializeSecretKey,
} from '../../src/index.ts'
import { BINS, outputOf, runProgram } from '../support/programs.ts'
import type { ProgramOptions, ProgramRun } from '../support/programs.ts'

/** Four segments, the last one short. */
const PLAINTEXT = randomBytes(3 * 65_536 + 1234)

let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sealift-compat-'))
  for (const [name, passphrase] of [['alice'], ['bob', 'passphrase of bob'], ['carol']] as const) {
    const keyPair = await generateKeyPair()
    await writeFile(join(home, `${name}.sec`), await serializeSecretKey(keyPair, { passphrase }))
    await writeFile(join(home, `${name}.pub`), serializePublicKey(keyPair.publicKey))
  }
})
afterAll(async () => {
  await rm(home, { recursive: true })
})

type Options = Omit<ProgramOptions, 'home'>

const crypt4gh = (args: string, options: Options = {}): Promise<ProgramRun> =>
  runProgram([process.execPath, BINS.crypt4gh, ...args.split(' ')], { home, ...options })

const bytesOf = (args: string, input: Uint8Array, env?: Record<string, string>): Promise<Buffer> =>
  outputOf([process.execPath, BINS.crypt4gh, ...args.split(' ')], { home, input, env })

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

describe('crypt4gh encrypts and decrypts', () => {
  it('for every recipient, in the order of the command line', async () => {
    const to = '--recipient_pk bob.pub --recipient_pk alice.pub'
    const sealed = await bytesOf(`encrypt ${to}`, PLAINTEXT)
    expect((await readHeader(once(sealed))).header.packets).toHaveLength(2)
    expect((await bytesOf('decrypt --sk alice.sec', sealed)).equals(PLAINTEXT)).toBe(true)
    const env = { C4GH_SECRET_KEY: 'bob.sec', C4GH_PASSPHRASE: 'passphrase of bob' }
    expect((await bytesOf('decrypt', sealed, env)).equals(PLAINTEXT)).toBe(true)
    expect(await crypt4gh('decrypt --sk carol.sec', { input: sealed })).toMatchObject({
      code: 1,
      stdout: Buffer.alloc(0),
      stderr: expect.stringContaining('no identity opens this file') as string,
    })
  })

  it('an empty file', async () => {
    const sealed = await bytesOf('encrypt --recipient_pk alice.pub', new Uint8Array(0))
    expect(sealed).toHaveLength(sealedHeaderSize(1))
    expect(await bytesOf('decrypt --sk alice.sec', sealed)).toHaveLength(0)
  })

  it('with the key of a sender, which the reader can insist on', async () => {
    const sealed = await bytesOf('encrypt --sk carol.sec --recipient_pk alice.pub', PLAINTEXT)
    const decrypt = 'decrypt --sk alice.sec --sender_pk'
    expect((await bytesOf(`${decrypt} carol.pub`, sealed)).equals(PLAINTEXT)).toBe(true)
    expect(await crypt4gh(`${decrypt} bob.pub`, { input: sealed })).toMatchObject({
      code: 1,
      stdout: Buffer.alloc(0),
      stderr: expect.stringContaining('error: ') as string,
    })
  })

  it('with a header in a file of its own', async () => {
    const body = await bytesOf('encrypt --recipient_pk alice.pub --header reads.header', PLAINTEXT)
    const header = await readFile(join(home, 'reads.header'))
    expect(header).toHaveLength(sealedHeaderSize(1))
    const whole = Buffer.concat([header, body])
    expect((await bytesOf('decrypt --sk alice.sec', whole)).equals(PLAINTEXT)).toBe(true)
    expect((await bytesOf('decrypt --sk alice.sec --header reads.header', body)).equals(PLAINTEXT)).toBe(true)
  })

  it('a range of a file, one byte shorter than it says', async () => {
    const start = await bytesOf('encrypt --recipient_pk alice.pub --range 0-11', PLAINTEXT)
    expect((await bytesOf('decrypt --sk alice.sec', start)).equals(PLAINTEXT.subarray(0, 10))).toBe(true)

    const sealed = await bytesOf('encrypt --recipient_pk alice.pub', PLAINTEXT)
    // From 65 536 on the reference gives other bytes than it was asked for, and says nothing.
    const beyond = await bytesOf('decrypt --sk alice.sec --range 140000-140101', sealed)
    expect(beyond.equals(PLAINTEXT.subarray(140_000, 140_100))).toBe(true)
    const rest = await bytesOf('decrypt --sk alice.sec --range 140000-', sealed)
    expect(rest.equals(PLAINTEXT.subarray(140_000))).toBe(true)
  })
})

describe('crypt4gh changes who can read what', () => {
  it('rearrange keeps the range and no other segment', async () => {
    const sealed = await bytesOf('encrypt --recipient_pk alice.pub', PLAINTEXT)
    // Within the first segment the reference hands on the whole file.
    const range = await bytesOf('rearrange --sk alice.sec --range 10-111', sealed)
    expect(range.length).toBeLessThan(2 * 65_536)
    expect((await bytesOf('decrypt --sk alice.sec', range)).equals(PLAINTEXT.subarray(10, 110))).toBe(true)
    const again = await bytesOf('rearrange --sk alice.sec --range 5-16', range)
    expect((await bytesOf('decrypt --sk alice.sec', again)).equals(PLAINTEXT.subarray(15, 25))).toBe(true)
  })

  it('reencrypt keeps the other readers and says so, --trim drops them', async () => {
    const sealed = await bytesOf('encrypt --recipient_pk alice.pub --recipient_pk carol.pub', PLAINTEXT)
    const to = 'reencrypt --sk alice.sec --recipient_pk bob.pub'
    const kept = await crypt4gh(to, { input: sealed })
    expect(kept).toMatchObject({ code: 0, stderr: expect.stringContaining('--trim drops them') as string })
    expect((await bytesOf('decrypt --sk carol.sec', kept.stdout)).equals(PLAINTEXT)).toBe(true)

    const trimmed = await crypt4gh(`${to} --trim`, { input: sealed })
    expect(trimmed).toMatchObject({ code: 0, stderr: '' })
    expect(await crypt4gh('decrypt --sk carol.sec', { input: trimmed.stdout })).toMatchObject({ code: 1 })
    const env = { C4GH_PASSPHRASE: 'passphrase of bob' }
    expect((await bytesOf('decrypt --sk bob.sec', trimmed.stdout, env)).equals(PLAINTEXT)).toBe(true)
  })

  it('reencrypt --header-only gives a header and nothing else', async () => {
    const sealed = await bytesOf('encrypt --recipient_pk alice.pub', PLAINTEXT)
    const to = 'reencrypt --sk alice.sec --recipient_pk carol.pub --header-only'
    const header = await bytesOf(to, sealed.subarray(0, sealedHeaderSize(1)))
    expect(header).toHaveLength(sealedHeaderSize(1))
    const whole = Buffer.concat([header, sealed.subarray(sealedHeaderSize(1))])
    expect((await bytesOf('decrypt --sk carol.sec', whole)).equals(PLAINTEXT)).toBe(true)
  })
})

describe('crypt4gh does not end with 0 when', () => {
  it('a recipient is missing: nobody is left out in silence', async () => {
    const to = '--recipient_pk alice.pub --recipient_pk nobody.pub'
    const sealed = await bytesOf('encrypt --recipient_pk alice.pub', PLAINTEXT)
    for (const args of [`encrypt ${to}`, `reencrypt --sk alice.sec ${to}`, 'encrypt']) {
      const run = await crypt4gh(args, { input: sealed })
      expect(run).toMatchObject({ code: 1, stdout: Buffer.alloc(0) })
      if (args !== 'encrypt') expect(run.stderr).toContain('nobody.pub')
    }
  })

  it('the file is damaged, cut short or no Crypt4GH file', async () => {
    const sealed = await bytesOf('encrypt --recipient_pk alice.pub', PLAINTEXT)
    const damaged = Buffer.from(sealed)
    damaged[sealed.length - 200]! ^= 1
    const last = 3 * 65_536
    for (const input of [damaged, sealed.subarray(0, -1), sealed.subarray(0, sealedHeaderSize(1) + 5)]) {
      const run = await crypt4gh('decrypt --sk alice.sec', { input })
      expect(run.code).toBe(1)
      // What came out before is authentic; of the bad segment comes nothing.
      expect(run.stdout.equals(PLAINTEXT.subarray(0, input.length < 1000 ? 0 : last))).toBe(true)
      expect(run.stderr.includes('throw it away')).toBe(input.length > 1000)
    }
    for (const input of [new Uint8Array(0), PLAINTEXT, sealed.subarray(0, 40)]) {
      const run = await crypt4gh('decrypt --sk alice.sec', { input })
      expect(run).toMatchObject({ code: 1, stdout: Buffer.alloc(0) })
    }
  })

  it.each([
    'encrypt --recipient_pk alice.pub',
    'decrypt --sk alice.sec',
    'rearrange --sk alice.sec --range 0-',
  ])('the disk is full: %s', async (args) => {
    const sealed = await bytesOf('encrypt --recipient_pk alice.pub', PLAINTEXT)
    await writeFile(join(home, 'in'), sealed)
    const command = `exec "${process.execPath}" "${BINS.crypt4gh}" ${args} <in >/dev/full`
    expect(await runProgram(['sh', '-c', command], { home })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no space left') as string,
    })
  })

  it('the header file cannot be written: no body comes out', async () => {
    const run = await crypt4gh('encrypt --recipient_pk alice.pub --header alice.sec/header', {
      input: PLAINTEXT,
    })
    expect(run).toMatchObject({ code: 1, stdout: Buffer.alloc(0) })
  })

  it('the passphrase is wrong, or there is nobody to ask: 2, as the reference', async () => {
    const sealed = await bytesOf('encrypt --recipient_pk bob.pub', PLAINTEXT)
    const wrong = { input: sealed, env: { C4GH_PASSPHRASE: 'passphrase of carol' } }
    expect(await crypt4gh('decrypt --sk bob.sec', wrong)).toMatchObject({ code: 2, stdout: Buffer.alloc(0) })
    const none = await crypt4gh('decrypt --sk bob.sec', { input: sealed })
    expect(none).toMatchObject({
      code: 2,
      stdout: Buffer.alloc(0),
      stderr: expect.stringContaining('set C4GH_PASSPHRASE') as string,
    })
  })

  it.each([
    '',
    'inspect',
    'encrypt file --recipient_pk alice.pub',
    'encrypt --recipient_pk alice.pub --trim',
    'encrypt --recipient_pk alice.pub --range 9-3',
    'encrypt --recipient_pk alice.sec',
    'decrypt',
    'decrypt --sk missing.sec',
    'decrypt --sk alice.sec --sender_pk missing.pub',
    'rearrange --sk alice.sec',
    'decrypt --sk alice.sec --colour',
  ])('the command line is wrong: crypt4gh %s', async (args) => {
    const run = await crypt4gh(args, { input: PLAINTEXT })
    expect(run).toMatchObject({ code: 1, stdout: Buffer.alloc(0) })
    expect(run.stderr).toMatch(/^error: /)
    expect(run.stderr).not.toContain('bug')
  })
})

describe('crypt4gh takes what the reference takes', () => {
  it('loggers and debug switches, without an effect', async () => {
    const env = { C4GH_LOG: 'missing.json', C4GH_DEBUG: '1' }
    const options = { env, input: PLAINTEXT }
    const run = await crypt4gh('--log missing.json encrypt --recipient_pk alice.pub', options)
    expect(run).toMatchObject({ code: 0, stderr: '' })
  })

  it('~ in a flag, and a flag that was shortened', async () => {
    const sealed = await bytesOf('encrypt --rec=~/alice.pub', PLAINTEXT)
    expect((await bytesOf('--sk ~/alice.sec decrypt', sealed)).equals(PLAINTEXT)).toBe(true)
  })

  it('a key that only its owner may read, and a header that goes into a pipe', async () => {
    await chmod(join(home, 'alice.sec'), 0o400)
    const tool = `"${process.execPath}" "${BINS.crypt4gh}"`
    const script = `mkfifo pipe; cat pipe >piped.header &
      ${tool} encrypt --recipient_pk alice.pub --header pipe >piped.body; wait
      cat piped.header piped.body | ${tool} decrypt --sk alice.sec`
    const opened = await outputOf(['sh', '-c', script], { home, input: PLAINTEXT })
    expect(opened.equals(PLAINTEXT)).toBe(true)
  })

  it('--version and --help', async () => {
    expect((await crypt4gh('--version')).stdout.toString()).toMatch(/^crypt4gh \(sealift \d+\.\d+\.\d+\)\n$/)
    const help = await crypt4gh('-h')
    expect(help).toMatchObject({ code: 0, stderr: '' })
    for (const name of ['encrypt', 'decrypt', 'rearrange', 'reencrypt', 'C4GH_SECRET_KEY']) {
      expect(help.stdout.toString()).toContain(name)
    }
  })
})
