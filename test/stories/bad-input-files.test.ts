import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { PASSPHRASE } from '../support/cast.ts'
import { createPerson } from '../support/cli.ts'
import type { Person } from '../support/cli.ts'
import { expectFailure } from '../support/failure.ts'
import { filesBelow, writeTree } from '../support/files.ts'

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** Three segments, the last one short. */
const PLAINTEXT = randomBytes(150_000)

describe('bad input to keys, encrypt and decrypt', () => {
  let person: Person
  let before: string[]

  beforeAll(async () => {
    // Nothing here talks to a store; this endpoint would not answer.
    person = await createPerson('http://127.0.0.1:9', { accessKeyId: 'none', secretAccessKey: 'none' })
    await person.json(['key', 'generate', 'animine'], { env: PASSPHRASE })
    await person.json(['key', 'generate', 'stranger', '--no-passphrase'])
    await writeTree(person.home, {
      'reads.fastq': PLAINTEXT,
      'notes.txt': Buffer.from('nothing secret and no key\n'),
      'taken.txt': Buffer.from('keep me'),
    })
    await person.json(['encrypt', 'reads.fastq', '--output', 'reads.c4gh', '--to', 'animine.pub'])
    const sealed = await readFile(join(person.home, 'reads.c4gh'))
    await writeFile(join(person.home, 'damaged.c4gh'), flipped(sealed, sealed.length - 1000))
    await writeFile(join(person.home, 'damaged-header.c4gh'), flipped(sealed, 60))
    await writeFile(join(person.home, 'cut.c4gh'), sealed.subarray(0, sealed.length - 100))
    await writeFile(join(person.home, 'cut-header.c4gh'), sealed.subarray(0, 50))
    before = await filesBelow(person.home)
  })
  afterAll(async () => {
    await person.leave()
  })

  /** The command fails as described and leaves every folder as it was. */
  async function refused(args: string[], failure: Parameters<typeof expectFailure>[1], env = PASSPHRASE) {
    const run = await person.sealift(args, { env })
    expectFailure(run, failure)
    expect(run.stdout).toBe('')
    expect(await filesBelow(person.home)).toEqual(before)
  }

  it('a file that is not there', async () => {
    await refused(['encrypt', 'missing.bam', '--to', 'animine.pub'], { code: 10, error: /missing\.bam/ })
    const decrypt = ['decrypt', 'missing.c4gh', '--identity', 'animine.sec']
    await refused(decrypt, { code: 10, error: /missing\.c4gh/ })
    await refused(['key', 'show', 'missing.pub'], { code: 10, error: /missing\.pub/ })
  })

  it('a folder where a file is due', async () => {
    await refused(['encrypt', '.aws', '--to', 'animine.pub'], { code: 1, error: /\.aws/ })
  })

  it.skipIf(process.getuid?.() === 0)('a file that may not be read (root may read everything)', async () => {
    await chmod(join(person.home, 'notes.txt'), 0o000)
    await refused(['encrypt', 'notes.txt', '--to', 'animine.pub'], { code: 1, error: /notes\.txt/ })
    await chmod(join(person.home, 'notes.txt'), 0o600)
  })

  it('a recipient that is missing, no key, or a secret key, even beside a good one', async () => {
    const to = (recipient: string): string[] => [
      'encrypt',
      'reads.fastq',
      ...['--to', 'animine.pub', '--to', recipient],
    ]
    await refused(to('missing.pub'), { code: 10, error: /missing\.pub/ })
    await refused(to('notes.txt'), { code: 2, error: /notes\.txt/ })
    await refused(to('stranger.sec'), { code: 2, error: /stranger\.sec/, hint: /\.pub/ })
    await refused(to('@nobody'), { code: 2, error: /@nobody/ })
  })

  it('no recipient at all', async () => {
    await refused(['encrypt', 'reads.fastq'], { code: 2, error: /nobody/, hint: /--to/ })
  })

  it('a wrong passphrase, or none where nobody can be asked', async () => {
    const decrypt = ['decrypt', 'reads.c4gh', '--output', 'out.fastq', '--identity', 'animine.sec']
    const wrong = { C4GH_PASSPHRASE: 'not the passphrase' }
    await refused(decrypt, { code: 12, error: /passphrase/ }, wrong)
    const run = await person.sealift(decrypt)
    expectFailure(run, { code: 12, error: /passphrase/, hint: /passphrase/i })
  })

  it('an identity that the file was not sealed for', async () => {
    const decrypt = ['decrypt', 'reads.c4gh', '--output', 'out.fastq', '--identity', 'stranger.sec']
    await refused(decrypt, { code: 12, error: /identit|key/ })
  })

  it('a file that is not Crypt4GH', async () => {
    const decrypt = ['decrypt', 'notes.txt', '--output', 'out.txt', '--identity', 'animine.sec']
    await refused(decrypt, { code: 13, error: /crypt4gh/i })
  })

  it('a damaged or shortened file: no output under the final name', async () => {
    for (const file of ['damaged.c4gh', 'cut.c4gh', 'cut-header.c4gh']) {
      const decrypt = ['decrypt', file, '--output', 'out.fastq', '--identity', 'animine.sec']
      await refused(decrypt, { code: 13, error: new RegExp(file.replace('.', '\\.')) })
    }
    const header = ['decrypt', 'damaged-header.c4gh', '--output', 'out.fastq', '--identity', 'animine.sec']
    await refused(header, { code: 12, error: /damaged-header\.c4gh|identit|key/ })
  })

  it('an output that exists stays as it is without --force', async () => {
    const output = ['--output', 'taken.txt']
    const encrypt = ['encrypt', 'reads.fastq', ...output, '--to', 'animine.pub']
    await refused(encrypt, { code: 14, error: /taken\.txt/, hint: /--force/ })
    const decrypt = ['decrypt', 'reads.c4gh', ...output, '--identity', 'animine.sec']
    await refused(decrypt, { code: 14, error: /taken\.txt/, hint: /--force/ })
    await refused(['key', 'generate', 'stranger', '--no-passphrase'], { code: 14, error: /stranger\.sec/ })
    expect(await readFile(join(person.home, 'taken.txt'), 'utf8')).toBe('keep me')
  })

  it('a command, a flag or an argument that does not exist', async () => {
    await refused(['uplaod', 'reads.fastq'], { code: 2, error: /uplaod/ })
    await refused(['encrypt', 'reads.fastq', '--recipient', 'animine.pub'], { code: 2, error: /--recipient/ })
    await refused(['decrypt'], { code: 2, error: /./ })
  })

  it('an error is JSON on standard output with --json, and the exit code stays', async () => {
    const run = await person.sealift(['encrypt', 'missing.bam', '--to', 'animine.pub', '--json'])
    expect(run.code).toBe(10)
    expect(JSON.parse(run.stdout)).toMatchObject({
      error: { code: 'FILE_NOT_FOUND', message: expect.stringContaining('missing.bam') as string },
    })
  })

  it('a full disk behind standard output', async () => {
    const command = `exec "${process.execPath}" "${BIN}" decrypt reads.c4gh --output - --identity animine.sec >/dev/full`
    const env = { PATH: process.env['PATH'], HOME: person.home, ...PASSPHRASE }
    const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: person.home, env, encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 1, stderr })
    expect(stderr).toMatch(/^error: .*(space|full)/m)
  })

  // A file system of its own needs a user namespace, which some machines don't give.
  it.skipIf(!canMount()).each([
    ['known beforehand', 'encrypt reads.fastq'],
    ['met on the way', 'encrypt - <reads.fastq'],
  ])('a full disk, %s: no output is left, not even a part', async (_, encrypt) => {
    await mkdir(join(person.home, 'small-disk'), { recursive: true })
    await truncate(join(person.home, 'reads.fastq'), 3_000_000)
    const command = `mount -t tmpfs -o size=1m none small-disk
      "${process.execPath}" "${BIN}" ${encrypt} --output small-disk/out.c4gh --to animine.pub
      status=$?; ls -A small-disk; exit $status`
    const env = { PATH: process.env['PATH'], HOME: person.home }
    const options = { cwd: person.home, env, encoding: 'utf8' } as const
    const { status, stdout, stderr } = spawnSync('unshare', [...NAMESPACE, 'sh', '-c', command], options)
    expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr })
    expect(stderr).toMatch(/^error: .*(space|full|free)/m)
  })
})

const NAMESPACE = ['--user', '--map-root-user', '--mount']

function canMount(): boolean {
  return spawnSync('unshare', [...NAMESPACE, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
}

function flipped(bytes: Uint8Array, offset: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[offset]! ^= 1
  return copy
}
