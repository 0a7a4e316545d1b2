import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { secretsOnDisk } from './secrets-on-disk.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-secrets-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const bytes = randomBytes(32)
const around = (before: number): Buffer => Buffer.concat([randomBytes(before), bytes, randomBytes(5)])

it.each<[string, string | Buffer]>([
  ['as they are', around(100)],
  ['in hex', around(3).toString('hex')],
  ['in upper case', around(3).toString('hex').toUpperCase()],
  ['in base64', around(0).toString('base64')],
  ['in base64 behind one byte', around(1).toString('base64')],
  ['in base64 behind two', around(2).toString('base64')],
  ['in base64 for addresses', around(4).toString('base64url')],
])('bytes are found %s', async (_how, content) => {
  await writeFile(join(folder, 'file'), content)
  await writeFile(join(folder, 'other'), randomBytes(500))
  const found = await secretsOnDisk([folder], [{ name: 'key', bytes }])
  expect(found).toHaveLength(1)
  expect(found[0]).toContain(join(folder, 'file'))
})

it('other bytes are not', async () => {
  await writeFile(join(folder, 'file'), randomBytes(10_000))
  expect(await secretsOnDisk([folder], [{ name: 'key', bytes }])).toEqual([])
})
