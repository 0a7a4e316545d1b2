import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import type { ListObjectsOptions } from '../../../src/storage/object-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { listFolder, type FolderListing } from '../../../src/workflows/serve/folder-listing.ts'
import { folderJson, folderPage } from '../../../src/workflows/serve/folder-page.ts'
import { servedPlace } from '../../../src/workflows/serve/served-names.ts'

const bucket = 'animine-data-import-1'
let store: Store
let listings: ListObjectsOptions[]

beforeEach(async () => {
  const memory = createMemoryStore()
  await memory.createBucket(bucket)
  listings = []
  store = new Proxy(memory, {
    get(target, property) {
      if (property === 'listObjects') {
        return (name: string, options: ListObjectsOptions) => {
          listings.push(options)
          return target.listObjects(name, options)
        }
      }
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
})

async function put(...objectKeys: string[]): Promise<void> {
  for (const objectKey of objectKeys) await store.putObject(bucket, objectKey, new Uint8Array(3))
}

function list(place: string, path = ''): Promise<FolderListing> {
  return listFolder(store, servedPlace({ bucket, objectKey: place }), path, new AbortController().signal)
}

async function names(place: string, path = ''): Promise<string[]> {
  return (await list(place, path)).entries.map(({ name }) => name)
}

describe('a listing', () => {
  it('has the folders and objects directly below, under the names they are served by', async () => {
    await put('a.c4gh', 'run/', 'run/b.bam', 'run/b.bam.c4gh', 'run/sub/c.c4gh', 'run/sub/d', 'run//e', 'z')
    expect(await names('')).toEqual(['a', 'run/', 'z'])
    expect(await names('', 'run/')).toEqual(['/', 'b.bam', 'sub/'])
    expect(await names('run/')).toEqual(['/', 'b.bam', 'sub/'])
    expect(await names('run/', 'sub/')).toEqual(['c', 'd'])
    expect(await names('run/', '/')).toEqual(['e'])
    expect(await names('run/', 'nothing/')).toEqual([])
    expect((await list('', 'run/')).entries[1]).toMatchObject({ folder: false, storedSize: 3 })
  })

  it('of a single object has it and its index files', async () => {
    await put(
      'run/reads.bam.c4gh',
      'run/reads.bam.bai',
      'run/reads.bai.c4gh',
      'run/reads.vcf',
      'run/reads.x/y',
    )
    expect(await names('run/reads.bam.c4gh')).toEqual(['reads.bai', 'reads.bam.bai', 'reads.bam'])
    expect(await names('run/reads.bam.c4gh', 'reads.x/')).toEqual([])
  })

  it('passes over what lies deep in a folder', async () => {
    await put('a/x', 'b', 'c/0', 'd')
    for (let number = 0; number < 3000; number += 1)
      await store.putObject(bucket, `a/${number}`, new Uint8Array())
    expect(await list('')).toMatchObject({ truncated: false })
    expect(await names('')).toEqual(['a/', 'b', 'c/', 'd'])
    expect(listings.map(({ startAfter }) => startAfter)).toContain('a/\u{10FFFF}')
    expect(listings.length).toBe(4)
  })

  it('reads on where a name comes even behind what is passed over', async () => {
    for (let number = 0; number < 1500; number += 1) {
      await store.putObject(bucket, `a/${number}`, new Uint8Array())
      await store.putObject(bucket, `a/\u{10FFFF}${number}`, new Uint8Array())
    }
    await put('b')
    expect(await list('')).toMatchObject({
      entries: [{ name: 'a/' }, { name: 'b' }],
      truncated: false,
    })
    expect(listings.length).toBe(2)
  })

  it('ends with a store that begins anew whatever it is told', async () => {
    for (let number = 0; number < 3000; number += 1)
      await store.putObject(bucket, `a/${number}`, new Uint8Array())
    const honest = store
    store = new Proxy(honest, {
      get: (target, property) =>
        property === 'listObjects'
          ? (name: string, options: ListObjectsOptions) =>
              honest.listObjects(name, { ...options, startAfter: undefined })
          : (Reflect.get(target, property) as unknown),
    })
    expect(await list('')).toMatchObject({ entries: [{ name: 'a/' }], truncated: true })
    expect(listings.length).toBe(2)
  })

  it('says when there is more than it shows', async () => {
    for (let number = 0; number < 10_001; number += 1)
      await store.putObject(bucket, `${number}`, new Uint8Array())
    const listing = await list('')
    expect(listing.entries).toHaveLength(10_000)
    expect(listing.truncated).toBe(true)
    expect(folderPage('s3://b/', '', listing)).toContain('more than this page shows')
    expect(JSON.parse(folderJson('s3://b/', '', listing))).toMatchObject({ truncated: true })
  })
})

describe('a listing as JSON', () => {
  it('steers no terminal, and has the names letter by letter', () => {
    const name = 'a\u009b31m\u007f\u202e\u2028\n\u001b"\\b'
    const json = folderJson('s3://b/', name, { entries: [{ name, folder: false }], truncated: false })
    expect(json).toMatch(/^[\x20-\x7e]*\n$/)
    expect(JSON.parse(json)).toMatchObject({ path: name, entries: [{ name }] })
  })
})

describe('a page', () => {
  it('shows hostile names as text, and links to nothing but them', () => {
    const hostile = [
      `"><script>alert(1)</script>`,
      `javascript:alert(1)`,
      `a b&c'd#e?f%20`,
      `\ud800x`,
      '../up',
    ]
    const entries = hostile.map((name) => ({ name, folder: false, storedSize: 1 }))
    const page = folderPage('s3://b/', '<i>/', { entries, truncated: false })
    expect(page).not.toMatch(/<script|<i>/)
    const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, link]) => link)
    expect(links[0]).toBe('../')
    expect(links.slice(1)).toHaveLength(hostile.length)
    for (const link of links.slice(1)) expect(link).toMatch(/^\.\/[\w.~!*()%-]*(&#39;[\w.~!*()%-]*)*$/)
    expect(decodeURIComponent(links[3]?.replace('&#39;', "'") ?? '')).toBe(`./${hostile[2]}`)
  })

  it('keeps the slash of a folder', () => {
    const page = folderPage('s3://b/', '', { entries: [{ name: 'run 12/', folder: true }], truncated: false })
    expect(page).toContain('href="./run%2012/"')
    expect(page).not.toContain('href="../"')
  })
})
