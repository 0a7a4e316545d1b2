import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../../src/util/errors.ts'
import { bytes, expectCode } from '../../conformance/steps.ts'
import { BUCKET, objectsScene, type ObjectsScene } from './objects-scene.ts'

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

describe('the report', () => {
  it('tells what became of every object, is readable by its owner alone, and replaces an older one', async () => {
    const { group, guest, store } = scene
    await scene.put('run/a', bytes('a'), [group])
    await scene.put('run/b', bytes('b'), [guest])
    await store.putObject(BUCKET, 'run/plain', bytes('never encrypted, and long enough'))
    const report = join(folder, 'report.json')
    await writeFile(report, 'an older one')
    const result = await scene.rekey({ report, records, keepResults: 0 })
    expect(result.report).toBe(report)
    expect((await stat(report)).mode & 0o777).toBe(0o600)
    const told = JSON.parse(await readFile(report, 'utf8')) as { objects: { objectKey: string }[] }
    expect(told).toMatchObject({
      format: 'sealift-rekey-report',
      version: 1,
      endpoint: 'memory',
      place: `s3://${BUCKET}/run/`,
      added: [{ name: 'anna.pub' }],
      totals: { objects: 1 },
      skipped: { notCrypt4gh: 1 },
    })
    expect(told.objects.sort((a, b) => (a.objectKey < b.objectKey ? -1 : 1))).toMatchObject([
      { objectKey: 'run/a', outcome: 'rekeyed', packetsBefore: 1, packetsAfter: 2 },
      { objectKey: 'run/b', outcome: 'failed', code: 'NO_MATCHING_KEY' },
      { objectKey: 'run/plain', outcome: 'skipped', why: 'notCrypt4gh' },
    ])
    expect(await readdir(folder)).toEqual(expect.arrayContaining(['report.json']))
    expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([])
  })

  it('is written when nothing succeeded, too, and not by a run that was stopped', async () => {
    await scene.put('run/b', bytes('b'), [scene.guest])
    const report = join(folder, 'report.json')
    await expectCode(scene.rekey({ report }), 'NO_MATCHING_KEY')
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({ objects: [{ outcome: 'failed' }] })
    await rm(report)
    const stopped = AbortSignal.abort(new AppError('TERMINATED', 'terminated'))
    await expectCode(scene.rekey({ report }, scene.store, stopped), 'TERMINATED')
    expect((await readdir(folder)).filter((name) => name.includes('report'))).toEqual([])
  })

  it('that can’t be written is an error before anything is changed', async () => {
    const etag = await scene.put('run/a', bytes('a'), [scene.group])
    await expectCode(scene.rekey({ report: join(folder, 'none', 'report.json') }), 'FILE_NOT_FOUND')
    expect((await scene.store.headObject(BUCKET, 'run/a')).etag).toBe(etag)
  })

  it('of many objects is one document', async () => {
    for (let n = 0; n < 400; n += 1) await scene.put(`run/${n}`, bytes(`${n}`), [scene.group])
    const report = join(folder, 'report.json')
    await scene.rekey({ report, dryRun: true })
    const { objects } = JSON.parse(await readFile(report, 'utf8')) as { objects: unknown[] }
    expect(objects).toHaveLength(400)
  })
})
