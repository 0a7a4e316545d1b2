import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPerson, type Person } from '../support/cli.ts'
import { expectFailure } from '../support/failure.ts'

const READS = randomBytes(300_000)

let person: Person

beforeAll(async () => {
  person = await createPerson('http://127.0.0.1:9', { accessKeyId: 'none', secretAccessKey: 'none' })
  for (const name of ['animine', 'lab', 'guest'])
    await person.json(['key', 'generate', name, '--no-passphrase'])
  await writeFile(join(person.home, 'reads'), READS)
  await person.json([
    'encrypt',
    'reads',
    '--to',
    'animine.pub',
    '--to',
    'guest.pub',
    '--sender-key',
    'lab.sec',
  ])
})
afterAll(async () => {
  await person.leave()
})

describe('decrypt --bytes', () => {
  it('gives the bytes asked for, into a file or a pipe', async () => {
    const range = ['decrypt', 'reads.c4gh', '--identity', 'animine.sec', '--bytes', '70000:100']
    const piped = await person.sealift([...range, '--output', '-'])
    expect(piped).toMatchObject({ code: 0 })
    expect(piped.stdoutBytes.equals(READS.subarray(70_000, 70_100))).toBe(true)
    expect(await person.json([...range, '--output', 'some'])).toMatchObject({ plaintextSize: 100 })
    expect((await readFile(join(person.home, 'some'))).equals(READS.subarray(70_000, 70_100))).toBe(true)
  })

  it('gives a part no name that looks like the whole', async () => {
    for (const args of [
      ['decrypt', 'reads.c4gh', '--identity', 'animine.sec'],
      ['encrypt', 'reads', '--to', 'animine.pub'],
    ]) {
      const run = await person.sealift([...args, '--bytes', '0:5'])
      expectFailure(run, { code: 2, error: /no output was named/, hint: /--output FILE/ })
    }
  })

  it('says what is wrong with a range', async () => {
    const decrypt = (input: string, bytes: string) =>
      person.sealift(['decrypt', input, '--identity', 'animine.sec', '--bytes', bytes, '--output', 'never'])
    expectFailure(await decrypt('reads.c4gh', '70000-70100'), {
      code: 2,
      error: /^error: --bytes: not a range of bytes: 70000-70100$/,
      hint: /START:LENGTH/,
    })
    expectFailure(await decrypt('reads.c4gh', '299999:2'), {
      code: 2,
      error: /reads\.c4gh: .* beyond the end of the file, which has 300000 bytes/,
    })
    expectFailure(await decrypt('-', '0:1'), { code: 2, error: /stdin/, hint: /name of the file/ })
  })
})

describe('decrypt --sender', () => {
  it('opens what that key sealed, and nothing else', async () => {
    const decrypt = ['decrypt', 'reads.c4gh', '--identity', 'animine.sec', '--output', '-', '--sender']
    expect(await person.sealift([...decrypt, 'lab.pub'])).toMatchObject({ code: 0 })
    expectFailure(await person.sealift([...decrypt, 'guest.pub']), { code: 13, error: /written by SHA256:/ })
  })
})

describe('reencrypt', () => {
  it('needs a name for what it writes, and tells what became of other readers', async () => {
    const args = ['reencrypt', 'reads.c4gh', '--identity', 'animine.sec', '--to', 'animine.pub']
    expectFailure(await person.sealift(args), { code: 2, error: /no output/, hint: /--output/ })
    const dropped = await person.sealift([...args, '--output', 'mine.c4gh'])
    expect(dropped).toMatchObject({ code: 0, stderr: '' })
    expect(dropped.stdout).toContain('1 header packet of others dropped')
    const kept = await person.json([...args, '--keep-others', '--output', 'all.c4gh'])
    expect(kept).toMatchObject({ others: { packets: 1, kept: true }, stillReadable: true })
    expectFailure(
      await person.sealift(['decrypt', 'mine.c4gh', '--identity', 'guest.sec', '--output', '-']),
      {
        code: 12,
        error: /no identity/,
      },
    )
    const opened = await person.sealift(['decrypt', 'all.c4gh', '--identity', 'guest.sec', '--output', '-'])
    expect(opened.stdoutBytes.equals(READS)).toBe(true)
  })

  it('never replaces the file it reads by itself', async () => {
    const args = ['reencrypt', 'reads.c4gh', '--identity', 'animine.sec', '--to', 'animine.pub']
    expectFailure(await person.sealift([...args, '--output', 'reads.c4gh']), {
      code: 14,
      error: /^error: reads\.c4gh exists already$/,
      hint: /--force/,
    })
  })
})

describe('headers apart', () => {
  it('go their own way, for the same body', async () => {
    await person.json(['encrypt', 'reads', '--to', 'animine.pub', '--header', 'header', '--output', 'body'])
    expect((await stat(join(person.home, 'header'))).size).toBe(124)
    const share = [
      'reencrypt',
      'header',
      '--identity',
      'animine.sec',
      '--to',
      'guest.pub',
      '--output',
      'shared',
    ]
    await person.json(share)
    const args = ['decrypt', '-', '--header', 'shared', '--identity', 'guest.sec']
    const opened = await person.sealift(args, { input: await readFile(join(person.home, 'body')) })
    expect(opened.stdoutBytes.equals(READS)).toBe(true)
  })
})

describe('rearrange', () => {
  it('cuts a range out of a pipe, and is no larger than its segments', async () => {
    const args = ['rearrange', '-', '--identity', 'animine.sec', '--bytes', '65530:10', '--to', 'guest.pub']
    const input = await readFile(join(person.home, 'reads.c4gh'))
    const cut = await person.sealift(args, { input })
    expect(cut).toMatchObject({ code: 0 })
    // Header with a data key and an edit list of two lengths, two segments.
    expect(cut.stdoutBytes).toHaveLength(124 + 92 + 2 * 65_564)
    const opened = await person.sealift(['decrypt', '-', '--identity', 'guest.sec'], {
      input: cut.stdoutBytes,
    })
    expect(opened.stdoutBytes.equals(READS.subarray(65_530, 65_540))).toBe(true)
  })
})

describe('rekey', () => {
  it('replaces the file by one that a former reader cannot open', async () => {
    const encrypt = ['encrypt', 'reads', '--to', 'animine.pub', '--to', 'guest.pub', '--output', 'old.c4gh']
    await person.json(encrypt)
    const run = await person.sealift([
      'rekey',
      'old.c4gh',
      '--identity',
      'animine.sec',
      '--to',
      'animine.pub',
    ])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toContain('1 packet for others: they are out')
    expectFailure(await person.sealift(['decrypt', 'old.c4gh', '--identity', 'guest.sec', '--output', '-']), {
      code: 12,
      error: /no identity/,
    })
    const opened = await person.sealift(['decrypt', 'old.c4gh', '--identity', 'animine.sec', '--output', '-'])
    expect(opened.stdoutBytes.equals(READS)).toBe(true)
  })

  it('keeps its owner from being locked out', async () => {
    const run = await person.sealift([
      'rekey',
      'reads.c4gh',
      '--identity',
      'animine.sec',
      '--to',
      'guest.pub',
    ])
    expectFailure(run, { code: 2, error: /could no longer open reads\.c4gh/, hint: /--output/ })
  })
})
