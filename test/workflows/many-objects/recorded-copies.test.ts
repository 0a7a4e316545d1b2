import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CopyNames } from '../../../src/workflows/many-objects/copy-names.ts'
import { RecordedCopies, writeFinishedCopy } from '../../../src/workflows/many-objects/finished-copies.ts'
import { A, B } from '../copies-scene.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-copies-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

function nameOf(n: number): CopyNames {
  return { source: { bucket: A, objectKey: `${n}` }, target: { bucket: B, objectKey: `${n}` } }
}

it.each([
  [1000, false],
  [1003, true],
])('of %i recorded copies no record stays; they are listed again: %s', async (count, isListed) => {
  const records = { folder, endpoint: 'memory' }
  const recorded = new RecordedCopies(records)
  const before = { lastModified: undefined, versionId: undefined, headers: { metadata: {} }, tagCount: 0 }
  for (let n = 0; n < count; n++) {
    recorded.add(nameOf(n))
    // Those beside the limit stand for all.
    if (n > 990) {
      await writeFinishedCopy(records, nameOf(n), { ...before, size: 1, etag: 'a' }, { size: 1, etag: 'b' })
    }
  }
  expect(await readdir(folder)).toHaveLength(count - 991)
  let wasListed = false
  await recorded.remove(async function* () {
    wasListed = true
    for (let n = 0; n < count; n++) yield nameOf(n)
  })
  expect(wasListed).toBe(isListed)
  expect(await readdir(folder)).toEqual([])
})
