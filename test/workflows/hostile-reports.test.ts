/** Reports name objects as whoever stored them named them: they are read in terminals. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bytes } from '../conformance/steps.ts'
import { createScene, verify } from './object-verify/scene.ts'
import { objectsScene } from './rekey/objects-scene.ts'

const HOSTILE = 'run/\u009b2J\u007f\u202egepj.c4gh'
const STEERING = /[\u007f-\u009f\u202a-\u202e]/

let report: string
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-reports-'))
  report = join(folder, 'report.json')
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function objectKeysInReport(): Promise<string[]> {
  const text = await readFile(report, 'utf8')
  expect(text).not.toMatch(STEERING)
  const { objects } = JSON.parse(text) as { objects: { objectKey: string }[] }
  return objects.map(({ objectKey }) => objectKey)
}

it('of verify', async () => {
  const scene = await createScene()
  await scene.put(HOSTILE, Buffer.from('not encrypted at all'))
  await verify(scene, 'run/', { report })
  expect(await objectKeysInReport()).toEqual([HOSTILE])
})

it('of rekey', async () => {
  const scene = await objectsScene()
  await scene.put(HOSTILE, bytes('a'), [scene.group])
  const records = { folder: join(folder, 'rekeys'), endpoint: 'memory' }
  await scene.rekey({ report, records, keepResults: 0 })
  expect(await objectKeysInReport()).toEqual([HOSTILE])
})
