import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../../src/util/errors.ts'
import { bytes, collect } from '../../conformance/steps.ts'
import { faultyStore } from '../../storage/faulty-store.ts'
import { BUCKET, ELSEWHERE, objectsScene, refusing, type ObjectsScene } from './objects-scene.ts'

let scene: ObjectsScene
let folder: string
let records: { folder: string; endpoint: string }

beforeEach(async () => {
  scene = await objectsScene()
  folder = await mkdtemp(join(tmpdir(), 'sealift-rekey-'))
  records = { folder: join(folder, 'rekeys'), endpoint: 'memory' }
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('a run that is given again', () => {
  beforeEach(async () => {
    for (const key of ['a', 'b', 'c', 'd']) await scene.put(`run/${key}`, bytes(key), [scene.group])
  })

  it('it does what failed, and leaves no record when all is done', async () => {
    const first = await scene.rekey({ records }, refusing(scene.store, 'run/b'))
    expect(first).toMatchObject({ totals: { objects: 3 }, failed: [{ name: 'run/b' }] })
    expect((await readdir(records.folder)).filter((name) => name.endsWith('.jsonl'))).toHaveLength(1)
    const etags = await collect(scene.store.listObjects(BUCKET))
    const second = await scene.rekey({ records })
    expect(second).toMatchObject({ totals: { objects: 1 }, skipped: { doneBefore: 3 }, failed: [] })
    const after = await collect(scene.store.listObjects(BUCKET))
    expect(after.filter(({ etag }, n) => etag !== etags[n]?.etag).map(({ objectKey }) => objectKey)).toEqual([
      'run/b',
    ])
    expect(await readdir(records.folder)).toEqual([])
  })

  it('it does again what somebody stored since', async () => {
    await scene.rekey({ records }, refusing(scene.store, 'run/b'))
    await scene.put('run/a', bytes('a newer delivery'), [scene.group])
    const second = await scene.rekey({ records })
    expect(second).toMatchObject({ totals: { objects: 2 }, skipped: { doneBefore: 2 } })
    expect((await scene.opens('run/a', scene.anna))?.toString()).toBe('a newer delivery')
  })

  it('with other readers it is another run', async () => {
    await scene.rekey({ records }, refusing(scene.store, 'run/b'))
    const change = { added: [scene.guest.publicKey] }
    expect(await scene.rekey({ records, change })).toMatchObject({
      totals: { objects: 4 },
      skipped: { doneBefore: 0 },
    })
  })

  it('after an interrupt it says how, and goes on', async () => {
    const stop = new AbortController()
    const { store } = faultyStore(scene.store, {
      putObject: async (...args) => {
        const stored = await scene.store.putObject(...args)
        stop.abort(new AppError('INTERRUPTED', 'interrupted'))
        return stored
      },
    })
    const run = scene.rekey({ records, concurrency: 1 }, store, stop.signal)
    await expect(run).rejects.toMatchObject({
      code: 'INTERRUPTED',
      hints: [expect.stringMatching(/run the same command again to go on: \d of 4 objects/)],
    })
    const { totals, skipped } = await scene.rekey({ records })
    expect(totals.objects + skipped.doneBefore).toBe(4)
    for (const key of ['a', 'b', 'c', 'd']) {
      expect((await scene.opens(`run/${key}`, scene.anna))?.toString()).toBe(key)
    }
    expect(await readdir(records.folder)).toEqual([])
  })

  it('while another process is at it, it refuses', async () => {
    let second: Promise<unknown> = Promise.resolve()
    const { store } = faultyStore(scene.store, {
      putObject: async (...args) => {
        second = scene.rekey({ records }).catch((error: unknown) => error)
        await second
        return scene.store.putObject(...args)
      },
    })
    await scene.rekey({ records, concurrency: 1 }, store)
    expect(await second).toMatchObject({ code: 'TRANSFER_RUNNING' })
  })

  it('lines that were cut off or are no lines of ours say nothing', async () => {
    await scene.rekey({ records }, refusing(scene.store, 'run/b'))
    const name = (await readdir(records.folder)).find((file) => file.endsWith('.jsonl')) ?? ''
    const path = join(records.folder, name)
    const text = await readFile(path, 'utf8')
    expect(text).toContain('"run/d"')
    const lines = text.split('\n').filter((line) => line !== '')
    const cut = [
      ...lines.slice(0, 2),
      '{"type":"done"}',
      'null',
      '\u0000'.repeat(20_000),
      lines[2]!.slice(0, -5),
    ]
    await writeFile(path, cut.join('\n'))
    expect(await scene.rekey({ records })).toMatchObject({
      totals: { objects: 2 },
      skipped: { doneBefore: 2 },
    })
  })
})

describe('elsewhere, a run that is given again', () => {
  const into = { bucket: ELSEWHERE, objectKey: '' }
  const target = { bucket: ELSEWHERE, objectKey: 'a' }
  let forGuest: { change: { added: Uint8Array[] } }
  beforeEach(async () => {
    forGuest = { change: { added: [scene.guest.publicKey] } }
    for (const key of ['a', 'b']) await scene.put(`run/${key}`, bytes(key), [scene.group])
  })

  it('does not replace what it had done and somebody rekeyed since', async () => {
    await scene.rekey({ into, records }, refusing(scene.store, 'b'))
    await scene.rekey({ place: target, ...forGuest })
    const second = await scene.rekey({ into, records })
    expect(second).toMatchObject({
      totals: { objects: 1 },
      failed: [{ name: 'run/a', code: 'OBJECT_EXISTS' }],
    })
    expect((await scene.opens('a', scene.guest, ELSEWHERE))?.toString()).toBe('a')
  })

  it('nor what it had only placed', async () => {
    // Its grants are still to be given: that is written down.
    const reading = { grantee: { type: 'canonical', id: 'project_2000333' }, permission: 'READ' } as const
    const acl = await scene.store.objectAcl(BUCKET, 'run/a')
    await scene.store.putObjectAcl(BUCKET, 'run/a', { ...acl, grants: [...acl.grants, reading] })
    const { store: killing } = faultyStore(scene.store, {
      putObjectAcl: () => Promise.reject(new AppError('STORE_FAILURE', 'killed')),
    })
    await scene.rekey({ into, records }, killing)
    expect(await scene.opens('a', scene.anna, ELSEWHERE)).toBeDefined()
    await scene.rekey({ place: target, ...forGuest })
    const second = await scene.rekey({ into, records })
    expect(second.failed).toMatchObject([{ name: 'run/a', code: 'OBJECT_EXISTS' }])
    expect((await scene.opens('a', scene.guest, ELSEWHERE))?.toString()).toBe('a')
  })
})
