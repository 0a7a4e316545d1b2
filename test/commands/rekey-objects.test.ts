import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandboxAs, type Backend } from '../support/backends.ts'
import { createCast, type Cast, type Member } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'

const BUCKET = 'animine-data-import-9'

let backend: Backend
let cast: Cast
let group: Member
/** Told of each request before it is answered. */
let meanwhile: (operation: string) => void = () => undefined

beforeAll(async () => {
  backend = await startSandboxAs('rgw', {
    beforeRequest: ({ operation }) => {
      meanwhile(operation)
    },
  })
  cast = await createCast(backend)
  group = cast.group
  for (const name of ['animine', 'lost', 'anna'])
    await group.json(['key', 'generate', name, '--no-passphrase'])
  await group.s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
  const kept = { Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } } as const
  await group.s3.send(new PutBucketVersioningCommand(kept))
  await writeFile(join(group.home, 'reads'), randomBytes(100_000))
})
afterAll(async () => {
  await cast.leave()
  await backend.close()
})

const upload = async (objectKey: string, ...readers: string[]) => {
  const to = readers.flatMap((reader) => ['--to', reader])
  await group.json(['upload', 'reads', `s3://${BUCKET}/${objectKey}`, '--force', ...to])
}
const rekey = (place: string, ...args: string[]) =>
  group.sealift(['rekey', place, '--identity', 'animine.sec', ...args])

describe('words that do not go together', () => {
  it.each([
    [['reads.c4gh', '--add', 'anna.pub'], /--add is for objects in a store/],
    [['reads.c4gh', '--to', 'anna.pub', '--deep'], /--deep is for objects/],
    [['reads.c4gh', '--to', 'anna.pub', '--profile', 'x'], /--profile is for objects/],
    [[`s3://${BUCKET}/run/`, '--add', 'anna.pub', '--output', 'x'], /--output is for local files/],
    [
      [`s3://${BUCKET}/run/`, '--add', 'anna.pub', '--to', 'anna.pub'],
      /either all \(--to\) or by what changes/,
    ],
    [
      [`s3://${BUCKET}/run/`, '--add', 'anna.pub', '--remove', 'anna.pub'],
      /both to be added and to be removed/,
    ],
    [[`s3://${BUCKET}/run/`], /no change of readers/],
    [[`s3://${BUCKET}/run/`, '--add', 'anna.pub', '--into', `s3://${BUCKET}/`], /not apart from/],
    [[`s3://${BUCKET}/run/`, '--add', 'anna.pub', '--concurrency', '0'], /concurrency/],
  ])('%j', async ([place = '', ...args], error) => {
    expectFailure(await rekey(place, ...args), { code: 2, error })
  })

  it('an identity is needed', async () => {
    const run = await group.sealift(['rekey', `s3://${BUCKET}/run/`, '--add', 'anna.pub'])
    expectFailure(run, { code: 2, error: /no identity/, hint: /--identity/ })
  })
})

describe('what it says', () => {
  it('names each object, the readers, and what was moved', async () => {
    await upload('run/a.c4gh', 'animine.pub')
    const { code, stdout } = await rekey(`s3://${BUCKET}/run/`, '--add', 'anna.pub')
    expect(code).toBe(0)
    expect(stdout).toMatch(/run\/a\.c4gh +97\.\d KiB +1 -> 2 packets +rewritten, 97\.\d KiB sent/)
    expect(stdout).toMatch(/rekeyed 1 object, 97\.\d KiB, in s3:.*sent.*received.*0 B copied by the server/)
    expect(stdout).toMatch(/added +anna\.pub +SHA256:/)
    expect(stdout).not.toMatch(/takes nothing back/)
  })

  it('says once what a removal is not, and that older versions keep the old header', async () => {
    await upload('lost/a.c4gh', 'animine.pub', 'lost.pub')
    await upload('lost/b.c4gh', 'animine.pub', 'lost.pub')
    const { code, stdout } = await rekey(`s3://${BUCKET}/lost/`, '--remove', 'lost.pub')
    expect(code).toBe(0)
    expect(stdout.match(/takes nothing back from who kept the old header/g)).toHaveLength(1)
    expect(stdout).toMatch(/kept 2 older versions with the old header; --delete-replaced/)
    expect(stdout).toMatch(/dropped 2 packets/)
    const deep = await rekey(`s3://${BUCKET}/lost/`, '--deep', '--delete-replaced')
    expect(deep).toMatchObject({ code: 0, stderr: '' })
    expect(deep.stdout).toMatch(/2 objects, .*, with a new data key and body/)
    expect(deep.stdout).not.toMatch(/older version/)
  })

  it('tells with --dry-run what would be done', async () => {
    await upload('dry/a.c4gh', 'animine.pub')
    const { code, stdout } = await rekey(`s3://${BUCKET}/dry/`, '--to', 'anna.pub', '--dry-run')
    expect(code).toBe(0)
    expect(stdout).toMatch(/would rekey 1 object/)
    expect(stdout).toMatch(/1 object could no longer be opened with these identities/)
    expect(await rekey(`s3://${BUCKET}/dry/`, '--to', 'animine.pub')).toMatchObject({ code: 0 })
  })

  it('ends with 3 when some failed, and names them; with their own code when all did', async () => {
    await upload('mixed/a.c4gh', 'animine.pub')
    await upload('mixed/b.c4gh', 'lost.pub')
    const mixed = await rekey(`s3://${BUCKET}/mixed/`, '--add', 'anna.pub', '--report', 'report.json')
    expectFailure(mixed, { code: 3, error: /mixed\/b\.c4gh: no identity opens/ })
    expect(mixed.stdout).toMatch(/rekeyed 1 object/)
    expect(mixed.stdout).toMatch(/report +report\.json/)
    const told = JSON.parse(await readFile(join(group.home, 'report.json'), 'utf8')) as object
    expect(told).toMatchObject({ format: 'sealift-rekey-report', totals: { objects: 1 } })
    const alone = await rekey(`s3://${BUCKET}/mixed/b.c4gh`, '--add', 'anna.pub')
    expectFailure(alone, { code: 12, error: /no identity opens/ })
  })

  it('leaves what is not encrypted below a prefix, and refuses it by name', async () => {
    await group.s3.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: 'plain/a', Body: 'never encrypted, and long' }),
    )
    const { code, stdout } = await rekey(`s3://${BUCKET}/plain/`, '--add', 'anna.pub')
    expect(code).toBe(0)
    expect(stdout).toMatch(/rekeyed 0 objects/)
    expect(stdout).toMatch(/left as they are: 1 object not encrypted with Crypt4GH/)
    const named = await rekey(`s3://${BUCKET}/plain/a`, '--add', 'anna.pub')
    expectFailure(named, { code: 13, error: /plain\/a: this is not a Crypt4GH file/ })
  })
})

describe('stopped in the middle', () => {
  const objectKeys = Array.from({ length: 6 }, (_, n) => `stopped/${n}.c4gh`)
  const args = ['rekey', `s3://${BUCKET}/stopped/`, '--identity', 'animine.sec', '--add', 'anna.pub']

  it.each([
    ['SIGINT', { code: 130 }, /hint: run the same command again to go on: \d of 6 objects are done/],
    ['SIGKILL', { code: null, signal: 'SIGKILL' }, /^$/],
  ] as const)(
    'by %s it goes on when it is given again, and every object is whole',
    async (signal, end, hint) => {
      for (const objectKey of objectKeys) await upload(objectKey, 'animine.pub')
      let stored = 0
      const run = group.start([...args, '--concurrency', '1'])
      meanwhile = (operation) => {
        if (operation !== 'PutObject') return
        stored += 1
        // Once: a second Ctrl-C would not wait.
        if (stored === 3) run.kill(signal)
      }
      const stopped = await run.ended
      meanwhile = () => undefined
      expect(stopped).toMatchObject(end)
      expect(stopped.stderr).toMatch(hint)
      const again = (await group.json(args)) as {
        totals: { objects: number }
        skipped: { doneBefore: number }
      }
      expect(again.skipped.doneBefore).toBeGreaterThanOrEqual(1)
      expect(again.totals.objects + again.skipped.doneBefore).toBe(objectKeys.length)
      for (const identity of ['animine.sec', 'anna.sec']) {
        const into = ['--identity', identity, '--force']
        await group.json(['download', `s3://${BUCKET}/stopped/`, `of-${identity}/`, ...into])
      }
    },
  )
})
