import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../../../src/storage/key-order.ts'
import type { ListedObject } from '../../../src/workflows/listing/list-long.ts'
import {
  addedUp,
  folderTotals,
  noTotals,
  type FolderTotals,
} from '../../../src/workflows/listing/listing-totals.ts'

async function* listed(objects: readonly ListedObject[]): AsyncGenerator<ListedObject> {
  yield* objects
}

function object(objectKey: string, more: Partial<ListedObject> = {}): ListedObject {
  return { objectKey, size: 10, etag: 'e', lastModified: undefined, ownerId: undefined, ...more }
}

async function foldersOf(objects: readonly ListedObject[], prefix = ''): Promise<FolderTotals[]> {
  const folders: FolderTotals[] = []
  for await (const folder of folderTotals(listed(objects), prefix)) folders.push(folder)
  return folders
}

describe('totals of folders', () => {
  it('are those of everything below each, and of what is in none', async () => {
    const folders = await foldersOf(
      [
        object('run/a-1'),
        object('run/a/x/1'),
        object('run/a/y', { size: 5 }),
        object('run/a0'),
        object('run/b/1'),
      ],
      'run/',
    )
    expect(folders).toEqual([
      { folder: 'run/a/', objects: 2, size: 15 },
      { folder: 'run/b/', objects: 1, size: 10 },
      { folder: '', objects: 2, size: 20 },
    ])
    expect(await foldersOf([])).toEqual([])
  })

  it('take a prefix that ends within a name as the beginning of the folders', async () => {
    expect(await foldersOf([object('run_1/x'), object('run_10/x')], 'run_1')).toMatchObject([
      { folder: 'run_1/' },
      { folder: 'run_10/' },
    ])
  })

  it('name each folder once and add up to the whole, whatever the keys are', async () => {
    const key = fc.array(fc.constantFrom('a', 'b', '-', '/', '.', 'é', '😀', '\uffff'), {
      minLength: 1,
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          key.map((letters) => letters.join('')),
          { maxLength: 40 },
        ),
        async (keys) => {
          const sorted = keys.sort(compareKeys)
          const folders = await foldersOf(sorted.map((objectKey, size) => object(objectKey, { size })))
          expect(new Set(folders.map(({ folder }) => folder)).size).toBe(folders.length)
          for (const { folder, objects, size } of folders) {
            const within = sorted.flatMap((objectKey, own) =>
              (folder === '' ? !objectKey.includes('/') : objectKey.startsWith(folder)) ? [own] : [],
            )
            expect([objects, size]).toEqual([within.length, within.reduce((sum, own) => sum + own, 0)])
          }
          expect(folders.reduce((sum, { objects }) => sum + objects, 0)).toBe(keys.length)
        },
      ),
    )
  })
})

describe('totals of a listing', () => {
  const objects = [
    object('a', { format: 'crypt4gh', plaintextSize: 6, canOpen: true }),
    object('b', { format: 'crypt4gh', plaintextSize: 4, canOpen: false }),
    object('c', { format: 'unreadable' }),
  ]
  const totalsOf = async (looks: Parameters<typeof noTotals>[0]) => {
    const totals = noTotals(looks)
    const keys: string[] = []
    for await (const { objectKey } of addedUp(listed(objects), totals)) keys.push(objectKey)
    expect(keys).toEqual(['a', 'b', 'c'])
    return totals
  }

  it('say no more than was looked for', async () => {
    expect(await totalsOf({ headers: false, identities: false })).toEqual({ count: 3, totalSize: 30 })
    const withHeaders = { count: 3, totalSize: 30, totalPlaintextSize: 10, unreadable: 1 }
    expect(await totalsOf({ headers: true, identities: false })).toEqual(withHeaders)
    expect(await totalsOf({ headers: true, identities: true })).toEqual({
      ...withHeaders,
      openable: 1,
      notOpenable: 1,
    })
  })
})
