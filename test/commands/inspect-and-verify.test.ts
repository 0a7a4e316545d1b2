import { copyFile, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends, type Backend } from '../support/backends.ts'
import { createCast, openImportBucket, PASSPHRASE, type Cast } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'

const VECTORS = fileURLToPath(new URL('../vectors/crypt4gh/', import.meta.url))
const BUCKET = 'animine-data-import-1'

let backend: Backend
let cast: Cast

beforeAll(async () => {
  backend = await backends()[0]!.start()
  cast = await createCast(backend)
  const { group, producer } = cast
  await openImportBucket(group, producer, BUCKET)
  await writeFile(join(group.home, 'reads.bam'), Buffer.alloc(100_000, 'reads'))
  await group.json(['encrypt', 'reads.bam', '--to', 'animine.pub', '--to', '@csc-sd'])
  await group.json(['upload', 'reads.bam', `s3://${BUCKET}/reads.bam.c4gh`, '--to', 'animine.pub'])
  for (const name of ['alice.sec', 'alice.pub'])
    await copyFile(join(VECTORS, 'keys', name), join(group.home, name))
  for (const name of ['nonce-reuse', 'flip-data', 'edit-skip-exact-seg', 'trunc-in-packet']) {
    await copyFile(join(VECTORS, 'files', `${name}.c4gh`), join(group.home, `${name}.c4gh`))
  }
})
afterAll(async () => {
  await cast.leave()
  await backend.close()
})

const inspect = (...args: string[]) => cast.group.sealift(['inspect', ...args], { env: PASSPHRASE })
const verify = (...args: string[]) => cast.group.sealift(['verify', ...args], { env: PASSPHRASE })

describe('inspect', () => {
  it('needs no key to say what a file is', async () => {
    const run = await inspect('reads.bam.c4gh')
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/Crypt4GH, self-contained\nheader +232 bytes, 2 packets/)
    expect(run.stdout).toMatch(/sender +SHA256:\S{43} {2}([a-z]+-){9}[a-z]+\n/)
    expect(run.stdout).toContain('an edit list may hide some')
    expect((await inspect('reads.bam')).stdout).toMatch(/not Crypt4GH\nwhy +it looks like text/)
  })

  it('tells who can open it as far as that can be known', async () => {
    const recipients = ['--recipient', 'animine.pub', '--recipient', '@csc-sd']
    const { stdout } = await inspect('reads.bam.c4gh', '--identity', 'animine.sec', ...recipients)
    expect(stdout).toMatch(/reader +animine\.pub .* can open it\n/)
    expect(stdout).toMatch(/reader +@csc-sd .* cannot be told/)
    expect(stdout).toContain('data key 0')
  })

  it('finds nonces used twice and segments that are hidden', async () => {
    expect((await inspect('nonce-reuse.c4gh', '--nonces')).stdout).toMatch(/warning +nonce-reuse: /)
    const { stdout } = await inspect('edit-skip-exact-seg.c4gh', '--identity', 'alice.sec')
    expect(stdout).toMatch(/warning +hidden-segments: .*\(0, 2\)/)
  })

  it('guesses a body whose header is elsewhere', async () => {
    const sealed = await readFile(join(cast.group.home, 'reads.bam.c4gh'))
    await writeFile(join(cast.group.home, 'body.c4gh'), sealed.subarray(232))
    expect((await inspect('body.c4gh')).stdout).toMatch(/kept elsewhere, as SD Connect does; a guess/)
  })

  it('looks at an object, and asks no passphrase for it', async () => {
    const object = `s3://${BUCKET}/reads.bam.c4gh`
    const { stdout, code } = await cast.group.sealift(['inspect', object])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /reads\.bam\.c4gh .*\nwhat +Crypt4GH, self-contained\nheader +124 bytes, 1 packet\n/,
    )
    expectFailure(await inspect(object, '--nonces'), { code: 2, error: /nonces/, hint: /--no-decrypt/ })
    expectFailure(await inspect(`${object}x`), { code: 10, error: /reads\.bam\.c4ghx/ })
  })

  it('says so when a header is broken', async () => {
    expectFailure(await inspect('trunc-in-packet.c4gh'), { code: 13, error: /trunc-in-packet/ })
  })
})

describe('verify', () => {
  it('checks every segment and writes nothing', async () => {
    const before = await readdir(cast.group.home)
    const run = await verify('reads.bam.c4gh', '--identity', 'animine.sec')
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/whole as far as Crypt4GH can tell: 2 segments authenticated/)
    expect(await readdir(cast.group.home)).toEqual(before)
  })

  it('names the first bad bytes', async () => {
    const run = await verify('flip-data.c4gh', '--identity', 'alice.sec')
    expectFailure(run, {
      code: 13,
      error: /1 of 3 segments .* first bad bytes are 65688 to 131251 of the file/,
    })
    const json = await verify('flip-data.c4gh', '--identity', 'alice.sec', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: { code: 'AUTHENTICATION_FAILED' },
      result: { bad: [{ first: 1, count: 1 }], checked: 3 },
    })
  })

  it('warns of what is readable and unsafe', async () => {
    const { code, stdout } = await verify('nonce-reuse.c4gh', '--identity', 'alice.sec')
    expect(code).toBe(0)
    expect(stdout).toMatch(/warning +nonce-reuse: /)
    const hidden = await verify('edit-skip-exact-seg.c4gh', '--identity', 'alice.sec')
    expect(hidden.stdout).toMatch(/not checked +2 segments that the edit list skips/)
  })

  it('refuses a key that does not open it, a sender that was not named, and no key at all', async () => {
    expectFailure(await verify('flip-data.c4gh', '--identity', 'animine.sec'), {
      code: 12,
      error: /no identity opens/,
    })
    expectFailure(await verify('reads.bam.c4gh', '--identity', 'animine.sec', '--sender', 'alice.pub'), {
      code: 13,
      error: /not by the sender/,
    })
    expectFailure(await verify('reads.bam.c4gh'), { code: 2, error: /no identity/ })
  })

  it('takes a header from a file of its own', async () => {
    const sealed = await readFile(join(cast.group.home, 'reads.bam.c4gh'))
    await writeFile(join(cast.group.home, 'apart.body'), sealed.subarray(232))
    await writeFile(join(cast.group.home, 'apart.header'), sealed.subarray(0, 232))
    const run = await verify('apart.body', '--header', 'apart.header', '--identity', 'animine.sec')
    expect(run.code).toBe(0)
  })
})

describe('key check', () => {
  it('compares a secret key with what its bucket publishes', async () => {
    const check = (place: string) =>
      cast.group.sealift(['key', 'check', 'animine.sec', place], { env: PASSPHRASE })
    const same = await check(`s3://${BUCKET}`)
    expect(same.stdout).toMatch(/^same key /)
    expect(same.code).toBe(0)
    expect((await check(`s3://${BUCKET}/keys/animine.pub`)).code).toBe(0)
    expectFailure(await check(`s3://${BUCKET}/keys/other.pub`), { code: 10, error: /other\.pub/ })
  })
})

it('a bucket key seen for the first time is told in words, to compare it over the phone', async () => {
  const { keys } = (await cast.group.json(['key', 'show', 'animine.pub'])) as { keys: { words: string }[] }
  await writeFile(join(cast.producer.home, 'reads.bam'), 'reads')
  const place = `s3://${backend.bucketAddress(BUCKET)}/run_12/reads.bam.c4gh`
  const run = await cast.producer.sealift(['upload', 'reads.bam', place, '--to-bucket-keys'])
  expect(run.code).toBe(0)
  expect(run.stderr).toContain(`(${keys[0]!.words}): seen for the first time`)
})
