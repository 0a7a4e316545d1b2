import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RequestNotice } from '../../src/sandbox/notices.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { createS3Store, type S3Store } from '../../src/storage/s3/s3-store.ts'
import { bytes, read } from '../conformance/steps.ts'
import { createPerson, type Person } from '../support/cli.ts'
import { expectFailure } from '../support/failure.ts'
import { A, B, deliver, HEADERS, keysIn } from '../workflows/copies-scene.ts'

const project = { uid: 'animine', accessKeyId: 'AKanimine', secretAccessKey: 'SKanimine' }
const NAMES = ['a', 'b', 'c', 'd', 'e'].map((name) => `run/${name}.c4gh`)

let directory: string
let sandbox: Sandbox
let person: Person
let store: S3Store
let beforeRequest: (operation: string) => Promise<void> | void = () => undefined

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sealift-sandbox-'))
  const hook = ({ operation }: RequestNotice): Promise<void> | void => beforeRequest(operation)
  sandbox = await startSandbox({ directory, projects: [project], port: 0, beforeRequest: hook })
  person = await createPerson(sandbox.endpoint, project)
  store = createS3Store({ endpoint: sandbox.endpoint, credentials: project })
  await store.createBucket(A)
  await store.createBucket(B)
})
beforeEach(async () => {
  for (const bucket of [A, B]) {
    for (const objectKey of await keysIn(store, bucket)) await store.deleteObject(bucket, objectKey)
  }
  for (const name of NAMES) await deliver(store, A, name, bytes(`crypt4gh ${name}`), {})
})
afterEach(() => {
  beforeRequest = () => undefined
})
afterAll(async () => {
  store.close()
  await person.leave()
  await sandbox.close()
  await rm(directory, { recursive: true, force: true })
})

const copy = (verb: 'cp' | 'mv', ...more: string[]): string[] => [
  verb,
  `s3://${A}/run/`,
  `s3://${B}/run/`,
  ...more,
]

/** Each object is whole at one place or both. */
async function expectNothingLost(): Promise<void> {
  for (const name of NAMES) {
    const places = await Promise.all([A, B].map((bucket) => read(store, bucket, name).catch(() => undefined)))
    const there = places.filter((body) => body !== undefined)
    expect(there.length, name).toBeGreaterThan(0)
    for (const body of there) expect(body.toString()).toBe(`crypt4gh ${name}`)
  }
}

describe('sealift cp and mv', () => {
  it('know nothing of local files, and say who does', async () => {
    const up = await person.sealift(['cp', 'reads.bam', `s3://${B}/`])
    expectFailure(up, { code: 2, error: /reads\.bam is no s3 address/, hint: /sealift upload/ })
    const down = await person.sealift(['mv', `s3://${A}/run/a.c4gh`, '.'])
    expectFailure(down, { code: 2, error: /no s3 address/, hint: /sealift download/ })
  })

  it('refuse what would be copied onto or into itself', async () => {
    const itself = await person.sealift(['cp', `s3://${A}/run/a.c4gh`, `s3://${A}/run/`])
    expectFailure(itself, { code: 2, error: /onto itself/ })
    const inside = await person.sealift(['mv', `s3://${A}/run/`, `s3://${A}/run/old/`])
    expectFailure(inside, { code: 2, error: /into itself/ })
    const oneName = await person.sealift(['cp', `s3://${A}/run/`, `s3://${B}/run`])
    expectFailure(oneName, { code: 2, error: /one name/, hint: /slash/ })
    expectFailure(await person.sealift(['cp', `s3://${A}/nothing/`, `s3://${B}/`]), {
      code: 10,
      error: /no object below/,
    })
    expect(await keysIn(store, A)).toEqual(NAMES)
  })

  it('name each object of a few, and all with --json', async () => {
    const { code, stdout } = await person.sealift(copy('cp'))
    expect(code).toBe(0)
    expect(stdout).toMatch(/^run\/a\.c4gh +s3:\/\/animine-archive\/run\/a\.c4gh +19 B\n/m)
    expect(stdout).toMatch(/copied 5 objects, 95 B in /)
    const moved = await person.json(copy('mv'))
    expect(moved).toMatchObject({
      objects: 0,
      alreadyThere: 5,
      entries: NAMES.map(() => ({ state: 'there' })),
    })
    expect(await keysIn(store, A)).toEqual([])
    expect(await keysIn(store, B)).toEqual(NAMES)
  })

  it('list with a dry run what would be called how', async () => {
    await store.putObject(B, 'run/b.c4gh', bytes('another'))
    const { stdout } = await person.sealift(
      copy('mv', '--dry-run', '--include', '[ab].*', '--concurrency', '1'),
    )
    expect(stdout).toMatch(
      /^run\/a\.c4gh {2}s3:\/\/animine-archive\/run\/a\.c4gh {2}19 B\nrun\/b\.c4gh {2}.*refused: another object is there\nwould move 1 object, 19 B, from /,
    )
    expect(stdout).toMatch(/left out 3 objects by --include/)
    expect(await keysIn(store, A)).toEqual(NAMES)
  })

  it.each(['cp', 'mv'] as const)('%s that is interrupted ends with 130, and goes on', async (verb) => {
    let stop: () => void = () => undefined
    let copies = 0
    beforeRequest = (operation) => {
      if (operation !== 'CopyObject') return
      copies += 1
      // Once: a second Ctrl-C would not wait.
      if (copies === 3) stop()
    }
    const running = person.start(copy(verb, '--concurrency', '1'))
    stop = () => {
      running.kill('SIGINT')
    }
    const run = await running.ended
    expectFailure(run, {
      code: 130,
      error: /interrupted/,
      hint: /[0-9] objects? w.* done; run the same command/,
    })
    beforeRequest = () => undefined
    await expectNothingLost()
    await person.json(copy(verb))
    expect(await keysIn(store, B)).toEqual(NAMES)
    expect(await keysIn(store, A)).toHaveLength(verb === 'cp' ? 5 : 0)
    expect(await store.headObject(B, 'run/c.c4gh')).toMatchObject({ headers: HEADERS })
  })

  it.each([
    ['HeadObject', 9],
    ['CopyObject', 2],
    ['DeleteObject', 1],
    ['DeleteObject', 4],
  ])('mv that is killed at %s number %i loses nothing, and goes on', async (operation, nth) => {
    let kill: () => void = () => undefined
    let requests = 0
    beforeRequest = async (asked) => {
      if (asked === operation) requests += 1
      if (asked !== operation || requests !== nth) return
      kill()
      // The process is gone before the answer is; what it asked for is done all the same.
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const running = person.start(copy('mv', '--concurrency', '2'))
    kill = () => {
      running.kill('SIGKILL')
    }
    expect((await running.ended).signal).toBe('SIGKILL')
    beforeRequest = () => undefined
    await expectNothingLost()
    await person.json(copy('mv'))
    expect(await keysIn(store, A)).toEqual([])
    expect(await keysIn(store, B)).toEqual(NAMES)
    for (const name of NAMES) expect(await store.headObject(B, name)).toMatchObject({ headers: HEADERS })
  })
})
