import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RequestNotice } from '../../src/sandbox/notices.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { createS3Store, type S3Store } from '../../src/storage/s3/s3-store.ts'
import { bytes } from '../conformance/steps.ts'
import { createPerson, type Person } from '../support/cli.ts'
import { expectFailure } from '../support/failure.ts'
import { dialogue, HAS_TERMINAL } from '../support/terminal.ts'
import { keysIn } from '../workflows/copies-scene.ts'

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const BUCKET = 'animine-data-import-1'
const RUN = `s3://${BUCKET}/run/`

const project = { uid: 'animine', accessKeyId: 'AKanimine', secretAccessKey: 'SKanimine' }

let directory: string
let sandbox: Sandbox
let person: Person
let store: S3Store
let beforeDelete: () => Promise<void> | void = () => undefined

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sealift-sandbox-'))
  const beforeRequest = async ({ operation }: RequestNotice): Promise<void> => {
    if (operation === 'DeleteObject') await beforeDelete()
  }
  sandbox = await startSandbox({ directory, projects: [project], port: 0, beforeRequest })
  person = await createPerson(sandbox.endpoint, project)
  store = createS3Store({ endpoint: sandbox.endpoint, credentials: project })
  await store.createBucket(BUCKET)
})
beforeEach(async () => {
  for (const name of ['run/a', 'run/b', 'run/c', 'run_2']) await store.putObject(BUCKET, name, bytes(name))
})
afterEach(() => {
  beforeDelete = () => undefined
})
afterAll(async () => {
  store.close()
  await person.leave()
  await sandbox.close()
  await rm(directory, { recursive: true, force: true })
})

const keys = () => keysIn(store, BUCKET)

describe('sealift rm', () => {
  it('deletes one object without a word more than that', async () => {
    const { code, stdout, stderr } = await person.sealift(['rm', `${RUN}a`])
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `deleted 1 object, 5 B, at ${RUN}a\n`,
      stderr: '',
    })
    expectFailure(await person.sealift(['rm', `${RUN}a`]), { code: 10, error: /run\/a/ })
  })

  it('needs --yes for more, where nobody can be asked', async () => {
    const unasked = await person.sealift(['rm', RUN, '--recursive'])
    expectFailure(unasked, { code: 2, error: /nobody can be asked/, hint: /--yes/ })
    const versions = await person.sealift(['rm', `${RUN}a`, '--versions'])
    expectFailure(versions, { code: 2, error: /nobody can be asked/ })
    expect(await keys()).toHaveLength(4)
    const removed = await person.json(['rm', RUN, '--recursive', '--yes'])
    expect(removed).toMatchObject({
      removed: { objects: 3, bytes: 15 },
      entries: expect.arrayContaining([{ objectKey: 'run/b', size: 5 }]) as unknown,
    })
    expect(await keys()).toEqual(['run_2'])
  })

  it('takes no prefix for an object, and no object for a prefix', async () => {
    const noSlash = await person.sealift(['rm', `s3://${BUCKET}/run`, '--recursive', '--yes'])
    expectFailure(noSlash, { code: 2, error: /names one object/, hint: /run\/ --recursive/ })
    const notRecursive = await person.sealift(['rm', RUN, '--yes'])
    expectFailure(notRecursive, { code: 2, error: /stands for all below it/, hint: /--recursive/ })
    const bucket = await person.sealift(['rm', `s3://${BUCKET}`, '--yes'])
    expectFailure(bucket, { code: 2, error: /stands for all below it/ })
    expectFailure(await person.sealift(['rm', 'run/a']), { code: 2, error: /not an s3 address/ })
    expect(await keys()).toHaveLength(4)
  })

  it('with a dry run lists what would go', async () => {
    const { stdout } = await person.sealift(['rm', RUN, '--recursive', '--exclude', 'b', '--dry-run'])
    expect(stdout).toBe(
      [
        '     5 B  run/a',
        '     5 B  run/c',
        `would delete 2 objects, 10 B, below ${RUN}`,
        'left out 1 object by --include and --exclude',
        '',
      ].join('\n'),
    )
    expect(await keys()).toHaveLength(4)
  })

  it('that is interrupted ends with 130, and says how to go on', async () => {
    let stop: () => void = () => undefined
    let deletes = 0
    beforeDelete = () => {
      deletes += 1
      if (deletes === 2) stop()
    }
    const running = person.start(['rm', RUN, '--recursive', '--yes', '--concurrency', '1'])
    stop = () => {
      running.kill('SIGINT')
    }
    const run = await running.ended
    expectFailure(run, { code: 130, error: /interrupted/, hint: /run the same command again/ })
    await person.json(['rm', RUN, '--recursive', '--yes'])
    expect(await keys()).toEqual(['run_2'])
  })

  describe.skipIf(!HAS_TERMINAL)('at a terminal', () => {
    const ask = (args: string, answer: string) =>
      dialogue(person.home, `"${process.execPath}" "${BIN}" rm ${args}`, [['[y/N]', answer]])

    it('asks before more than one object goes', async () => {
      for (const no of ['n\r', '\r', '\u0003', '\u0004']) {
        const declined = await ask(`${RUN} --recursive`, no)
        expect(declined.code).toBe(130)
        expect(declined.output).toMatch(/delete 3 objects, 15 B, below s3:.*run\/\?/)
        expect(declined.output).toMatch(/nothing was deleted/)
      }
      expect(await keys()).toHaveLength(4)
      expect(await ask(`${RUN} --recursive`, 'y\r')).toMatchObject({ code: 0 })
      expect(await keys()).toEqual(['run_2'])
    })

    it('asks before anything goes for good', async () => {
      expect((await ask(`${RUN}a --versions`, 'n\r')).output).toMatch(/for good/)
      expect(await keys()).toHaveLength(4)
      expect((await ask(`${RUN}a`, 'unasked')).output).not.toMatch(/y\/N/)
      expect(await keys()).toHaveLength(3)
    })
  })
})
