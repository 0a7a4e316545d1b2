import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends, type Backend } from '../support/backends.ts'
import { createCast, openImportBucket, PASSPHRASE, type Cast } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'

const BUCKET = 'animine-data-import-1'
const RUN = `s3://${BUCKET}/run_12/`

let backend: Backend
let cast: Cast

beforeAll(async () => {
  backend = await backends()[0]!.start()
  cast = await createCast(backend)
  const { group, producer } = cast
  await openImportBucket(group, producer, BUCKET)
  for (const name of ['a', 'b']) await writeFile(join(group.home, name), `content of ${name}`)
  await group.json(['upload', 'a', 'b', RUN, '--to', 'animine.pub'])
})
afterAll(async () => {
  await cast.leave()
  await backend.close()
})

const verify = (...args: string[]) => cast.group.sealift(['verify', ...args], { env: PASSPHRASE })

describe('verify of a place', () => {
  it('leaves out what is not encrypted by anybody, and says so', async () => {
    const { code, stdout } = await verify(`s3://${BUCKET}/`)
    expect(code).toBe(0)
    expect(stdout).toMatch(/: 2 objects, 2 whole\nleft out 1 published key or folder\n/)
  })

  it('shows a single object whole', async () => {
    const { stdout } = await verify(`${RUN}a.c4gh`, '--identity', 'animine.sec')
    expect(stdout).toMatch(/^s3:\S+a\.c4gh is whole: 1 segment authenticated, 12 B of plaintext\n/)
    for (const line of [/^header +1 packet$/m, /^ETag +matches$/m, /^data keys +1$/m, /^sender +SHA256:/m]) {
      expect(stdout).toMatch(line)
    }
    expect(stdout).toMatch(/^SHA-256 +[0-9a-f]{64}$/m)
    const { stdout: below } = await verify(`s3://${BUCKET}/run_12/`, '--headers-only', '--json')
    expect(JSON.parse(below)).toMatchObject({ headersOnly: true, counts: { unproven: 2 }, omitted: 0 })
  })

  it('warns of what was not recorded, and tells what is recorded and not there', async () => {
    await writeFile(join(cast.group.home, 'list'), `${'0'.repeat(64)}  gone\n`)
    const run = await verify(RUN, '--identity', 'animine.sec', '--sha256', 'list')
    expect(run.code).toBe(0)
    expect(run.stdout).toMatch(/warning +not-recorded: run_12\/a\.c4gh: /)
    expect(run.stdout).toMatch(/no object for 1 recorded name: gone/)
  })

  it('tells of nothing below it', async () => {
    expectFailure(await verify(`s3://${BUCKET}/run_13/`), { code: 10, error: /run_13/ })
    expectFailure(await verify(`s3://${BUCKET}/run_12`), { code: 10, error: /run_12/ })
  })
})

describe('flags', () => {
  it('of objects are refused for a file, those of a file for objects', async () => {
    for (const flag of [['--headers-only'], ['--fail-fast'], ['--report', 'x'], ['--concurrency', '2']]) {
      expectFailure(await verify('a', '--identity', 'animine.sec', ...flag), {
        code: 2,
        error: new RegExp(`${flag[0]!} is for objects`),
        hint: /s3:/,
      })
    }
    expectFailure(await verify(RUN, '--header', 'a'), { code: 2, error: /--header is for files/ })
  })

  it('that need a key are refused without one', async () => {
    expectFailure(await verify(RUN, '--sha256', 'a'), { code: 2, error: /identity/ })
    expectFailure(await verify(RUN, '--sender', 'animine.pub'), { code: 2, error: /who sealed/ })
  })
})
