import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../../src/storage/store.ts'
import { AppError } from '../../../src/util/errors.ts'
import type { TransferProgress } from '../../../src/workflows/transfer-progress.ts'
import { bytes, collect, expectCode, read } from '../../conformance/steps.ts'
import { fault, faultyStore } from '../../storage/faulty-store.ts'
import { BUCKET, ELSEWHERE, objectsScene, refusing, type ObjectsScene } from './objects-scene.ts'
import { objectFor } from './sealed-scene.ts'

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

const names = async () => (await collect(scene.store.listObjects(BUCKET))).map(({ objectKey }) => objectKey)

describe('objects below a prefix', () => {
  it('get another reader; what is not for it is left as it is and counted', async () => {
    const { store, group, lost, anna, guest } = scene
    const plaintexts = [randomBytes(70_000), bytes('reads b'), new Uint8Array()]
    await scene.put('run/a', plaintexts[0]!, [group, guest])
    await scene.put('run/b', plaintexts[1]!, [group])
    await scene.put('run/empty', plaintexts[2]!, [group])
    await scene.put('run_2', bytes('another run'), [group])
    await store.putObject(BUCKET, 'run/', bytes(''))
    await store.putObject(BUCKET, 'run/readme.txt', bytes('this one was never encrypted'))
    await store.putObject(BUCKET, 'run/x', bytes('x'))
    const seen: TransferProgress[] = []
    const result = await scene.rekey({ onProgress: (state) => seen.push(state) })
    expect(result).toMatchObject({
      place: `s3://${BUCKET}/run/`,
      failed: [],
      skipped: { folders: 1, notCrypt4gh: 2, publishedKeys: 0, doneBefore: 0 },
      totals: { objects: 3, packetsDropped: 0, olderVersions: 0, noLongerReadable: 0 },
    })
    expect(result.rekeyed.map(({ objectKey }) => objectKey).sort()).toEqual(['run/a', 'run/b', 'run/empty'])
    for (const [index, objectKey] of ['run/a', 'run/b', 'run/empty'].entries()) {
      expect((await scene.opens(objectKey, anna))?.equals(plaintexts[index]!)).toBe(true)
      expect((await scene.opens(objectKey, group))?.equals(plaintexts[index]!)).toBe(true)
    }
    expect((await scene.opens('run/a', guest))?.equals(plaintexts[0]!)).toBe(true)
    expect(await scene.opens('run_2', anna)).toBeUndefined()
    expect(await scene.opens('run/a', lost)).toBeUndefined()
    expect((await read(store, BUCKET, 'run/readme.txt')).toString()).toBe('this one was never encrypted')
    const last = seen.at(-1)
    expect(last).toMatchObject({ doneFiles: 6, totalFiles: 6 })
    expect(last?.doneBytes).toBe(last?.totalBytes)
  })

  it('leaves the published keys of a bucket alone', async () => {
    const { store, group, anna } = scene
    await scene.put('a', bytes('a'), [group])
    await store.putObject(BUCKET, 'keys/animine.pub', bytes('-----BEGIN CRYPT4GH PUBLIC KEY-----'))
    const result = await scene.rekey({ place: { bucket: BUCKET, objectKey: '' } })
    expect(result).toMatchObject({ skipped: { publishedKeys: 1 }, totals: { objects: 1 } })
    expect(await scene.opens('a', anna)).toBeDefined()
  })

  it('lose a reader, and nobody who was not named', async () => {
    const { group, lost, anna, guest } = scene
    await scene.put('run/a', bytes('reads a'), [group, lost])
    await scene.put('run/b', bytes('reads b'), [group, lost, guest])
    const change = { added: [anna.publicKey], removed: [lost.publicKey] }
    const result = await scene.rekey({ change })
    // Of b three packets can't be told apart from one another: two were named.
    expect(result.rekeyed.map(({ objectKey }) => objectKey)).toEqual(['run/a', 'run/b'])
    await scene.put('run/c', bytes('reads c'), [group, lost, guest])
    const remove = { removed: [lost.publicKey] }
    const second = await scene.rekey({ change: remove })
    expect(second.failed.map(({ name, code }) => [name, code])).toEqual([['run/c', 'UNNAMED_READERS']])
    expect(second.failed[0]?.message).toContain(`s3://${BUCKET}/run/c`)
    expect(await scene.opens('run/c', guest)).toBeDefined()
    const third = await scene.rekey({ change: { ...remove, dropOthers: true } })
    expect(third).toMatchObject({ failed: [], totals: { packetsDropped: expect.any(Number) as number } })
    for (const objectKey of ['run/a', 'run/b', 'run/c']) {
      expect(await scene.opens(objectKey, lost)).toBeUndefined()
      expect(await scene.opens(objectKey, group)).toBeDefined()
    }
    expect(await scene.opens('run/c', guest)).toBeUndefined()
  })

  it('that fail do not keep it from the others; when none succeeds the first failure is told', async () => {
    const { group, guest, anna } = scene
    await scene.put('run/a', bytes('a'), [guest])
    await expectCode(scene.rekey(), 'NO_MATCHING_KEY')
    await scene.put('run/b', bytes('b'), [group])
    const result = await scene.rekey()
    expect(result).toMatchObject({
      totals: { objects: 1 },
      failed: [{ name: 'run/a', code: 'NO_MATCHING_KEY' }],
    })
    expect(await scene.opens('run/b', anna)).toBeDefined()
  })

  it('are told of up to a number, and counted beyond', async () => {
    for (let n = 0; n < 40; n += 1) await scene.put(`run/${n}`, bytes(`${n}`), [scene.group])
    const result = await scene.rekey({ keepResults: 3 })
    expect(result.rekeyed).toHaveLength(3)
    expect(result.totals.objects).toBe(40)
    expect(await scene.opens('run/39', scene.anna)).toBeDefined()
  })

  it('end the run at a failure that all of them would meet', async () => {
    const { group, store } = scene
    for (let n = 0; n < 10; n += 1) await scene.put(`run/${n}`, bytes(`${n}`), [group])
    const away = faultyStore(store, {
      putObject: async () => Promise.reject(fault('PutObject', 'BUCKET_NOT_FOUND', false)),
    })
    const run = scene.rekey({ records, concurrency: 1 }, away.store)
    await expect(run).rejects.toMatchObject({
      code: 'BUCKET_NOT_FOUND',
      hints: [expect.stringMatching(/run the same command again.*0 of 10/)],
    })
    expect(away.calls.putObject).toHaveLength(1)
  })
})

describe('a single object', () => {
  it('is an error when it is not there, or not encrypted', async () => {
    await expectCode(scene.rekey({ place: { bucket: BUCKET, objectKey: 'run' } }), 'OBJECT_NOT_FOUND')
    await expectCode(scene.rekey(), 'OBJECT_NOT_FOUND')
    await scene.store.putObject(BUCKET, 'plain', bytes('reads as they are'))
    await expectCode(scene.rekey({ place: { bucket: BUCKET, objectKey: 'plain' } }), 'NOT_CRYPT4GH')
  })

  it('never stands for others whose names begin so', async () => {
    const { group, anna } = scene
    await scene.put('run/1', bytes('1'), [group])
    await scene.put('run/10', bytes('10'), [group])
    const { totals } = await scene.rekey({ place: { bucket: BUCKET, objectKey: 'run/1' } })
    expect(totals.objects).toBe(1)
    expect(await scene.opens('run/1', anna)).toBeDefined()
    expect(await scene.opens('run/10', anna)).toBeUndefined()
  })
})

describe('with --into', () => {
  it('new objects lie elsewhere as the old ones lie below the prefix, and those stay as they are', async () => {
    const { group, anna } = scene
    await scene.put('run/a/b', bytes('reads'), [group])
    const into = { bucket: ELSEWHERE, objectKey: 'for-anna/' }
    const { rekeyed } = await scene.rekey({ into })
    expect(rekeyed[0]).toMatchObject({ objectKey: 'run/a/b', target: { ...into, objectKey: 'for-anna/a/b' } })
    expect((await scene.opens('for-anna/a/b', anna, ELSEWHERE))?.toString()).toBe('reads')
    expect(await scene.opens('run/a/b', anna)).toBeUndefined()
  })

  it('nothing that is there is replaced without --force', async () => {
    const { group, anna, store } = scene
    await scene.put('run/a', bytes('reads'), [group])
    await store.putObject(ELSEWHERE, 'a', bytes('other'))
    const into = { bucket: ELSEWHERE, objectKey: '' }
    await expectCode(scene.rekey({ into }), 'OBJECT_EXISTS')
    await expectCode(scene.rekey({ into, records }), 'OBJECT_EXISTS')
    // That it tried to before is no right to it.
    await expectCode(scene.rekey({ into, records }), 'OBJECT_EXISTS')
    expect((await read(store, ELSEWHERE, 'a')).toString()).toBe('other')
    await scene.rekey({ into, force: true })
    expect(await scene.opens('a', anna, ELSEWHERE)).toBeDefined()
  })

  it('goes on when it is given again', async () => {
    const { group, anna } = scene
    for (const key of ['a', 'b', 'c']) await scene.put(`run/${key}`, bytes(key), [group])
    const into = { bucket: ELSEWHERE, objectKey: 'x/' }
    expect(await scene.rekey({ into, records }, refusing(scene.store, 'x/b'))).toMatchObject({
      failed: [{ name: 'run/b' }],
    })
    const second = await scene.rekey({ into, records })
    expect(second).toMatchObject({ failed: [], skipped: { doneBefore: 2 }, totals: { objects: 1 } })
    expect((await scene.opens('x/b', anna, ELSEWHERE))?.toString()).toBe('b')
    expect(await readdir(records.folder)).toEqual([])
  })
})

describe('arguments that do not go together are USAGE, before anything is asked', () => {
  const nowhere = new Proxy({} as Store, {
    get: () => () => {
      throw new AppError('STORE_FAILURE', 'asked')
    },
  })
  const key = new Uint8Array(32).fill(1)
  const at = (objectKey: string, bucket = BUCKET) => ({ bucket, objectKey })

  it.each([
    ['all and some readers', { change: { exactly: [key], added: [key] } }],
    ['no change', { change: {} }],
    ['many into one', { into: at('all', ELSEWHERE) }],
    ['a prefix into itself', { into: at('run/') }],
    ['a prefix into what is below it', { into: at('run/new/') }],
    ['a prefix into what is above it', { into: at('') }],
    ['an object into itself', { place: at('run/a'), into: at('run/') }],
    ['deleting what is not replaced', { into: at('', ELSEWHERE), deleteReplaced: true }],
  ])('%s', async (_, request) => {
    await expectCode(scene.rekey(request, nowhere), 'USAGE')
  })
})

describe('with --dry-run', () => {
  it('tells what a run then does, and writes nothing', async () => {
    const { store, group, lost } = scene
    await scene.put('run/small', randomBytes(1000), [group, lost])
    await scene.put('run/large', randomBytes(6 * 1024 ** 2), [group, lost])
    await store.putObject(BUCKET, 'run/plain', bytes('never encrypted, and long enough'))
    const before = await collect(store.listObjects(BUCKET))
    const change = { removed: [lost.publicKey] }
    const { store: watched, calls } = faultyStore(store, {})
    const dry = await scene.rekey({ change, dryRun: true, records }, watched)
    expect(await collect(store.listObjects(BUCKET))).toEqual(before)
    for (const name of ['putObject', 'createMultipartUpload', 'copyObject', 'deleteVersion'] as const) {
      expect(calls[name]).toBeUndefined()
    }
    expect(await readdir(records.folder)).toEqual([])
    const run = await scene.rekey({ change })
    expect(dry).toMatchObject({ dryRun: true, rekeyed: [], skipped: run.skipped, failed: [] })
    for (const { objectKey, ...done } of run.rekeyed) {
      const plan = dry.planned.find((planned) => planned.objectKey === objectKey)
      const { packetsBefore, packetsAfter, packetsDropped, stillReadable, way, sentBytes } = done
      expect(plan).toMatchObject({
        packetsBefore,
        packetsAfter,
        packetsDropped,
        stillReadable,
        way,
        sentBytes,
      })
    }
    expect(dry.planned).toHaveLength(2)
  })

  it('names what would fail', async () => {
    const { group, lost, guest } = scene
    await scene.put('run/a', bytes('a'), [group, lost])
    await scene.put('run/b', bytes('b'), [group, lost, guest])
    const dry = await scene.rekey({ change: { removed: [lost.publicKey] }, dryRun: true })
    expect(dry.failed).toMatchObject([{ name: 'run/b', code: 'UNNAMED_READERS' }])
    expect(dry.planned.map(({ objectKey }) => objectKey)).toEqual(['run/a'])
  })
})

describe('in a bucket with versions', () => {
  beforeEach(async () => {
    await scene.store.enableVersioning(BUCKET)
    await scene.put('run/a', bytes('a'), [scene.group, scene.lost])
  })
  const change = () => ({ removed: [scene.lost.publicKey] })

  it('the replaced versions are kept, and counted', async () => {
    const result = await scene.rekey({ change: change() })
    expect(result).toMatchObject({ versioned: true, totals: { olderVersions: 1 } })
    const versions = await collect(scene.store.listVersions(BUCKET))
    expect(versions).toHaveLength(2)
  })

  it('or deleted where that is asked for', async () => {
    const result = await scene.rekey({ change: change(), deleteReplaced: true })
    expect(result).toMatchObject({ totals: { olderVersions: 0 } })
    const versions = await collect(scene.store.listVersions(BUCKET))
    expect(versions).toHaveLength(1)
    expect(await scene.opens('run/a', scene.lost)).toBeUndefined()
    expect((await scene.opens('run/a', scene.group))?.toString()).toBe('a')
  })
})

it('nothing of the run but what was asked for is changed', async () => {
  const object = await objectFor(bytes('reads'), [scene.group])
  await scene.store.putObject(BUCKET, 'other', object)
  await scene.put('run/a', bytes('a'), [scene.group])
  await scene.rekey()
  expect((await read(scene.store, BUCKET, 'other')).equals(object)).toBe(true)
  expect(await names()).toEqual(['other', 'run/a'])
  expect(await collect(scene.store.listMultipartUploads(BUCKET))).toEqual([])
})
