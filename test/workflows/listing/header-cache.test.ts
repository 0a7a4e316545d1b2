import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareKeys } from '../../../src/storage/key-order.ts'
import type { ObjectEntry } from '../../../src/storage/object-store.ts'
import { openHeaderCache } from '../../../src/workflows/listing/header-cache.ts'
import { parseLine, serializeLine } from '../../../src/workflows/listing/header-cache-file.ts'
import type { Beginning } from '../../../src/workflows/listing/object-beginning.ts'

let folder: string
let notices: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-headers-'))
  notices = []
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

function entry(objectKey: string, etag = 'etag'): ObjectEntry {
  return { objectKey, etag, size: 1000, lastModified: undefined, ownerId: undefined }
}

function header(length: number, packets = 2): Beginning {
  return { kind: 'crypt4gh', packets, headerLength: length, header: Buffer.alloc(length, 7) }
}

const open = (prefix = '', bucket = 'inbox') =>
  openHeaderCache({
    folder,
    endpoint: 'http://store',
    bucket,
    prefix,
    onNotice: (message) => notices.push(message),
  })

/** Walks the cache as a listing does; gives the keys that were known. */
async function list(
  entries: readonly ObjectEntry[],
  { prefix = '', bucket = 'inbox', until = entries.length } = {},
): Promise<string[]> {
  const cache = await open(prefix, bucket)
  const known: string[] = []
  for (const object of entries.slice(0, until)) {
    const found = await cache.find(object)
    if (found !== undefined) known.push(object.objectKey)
    await cache.keep(object, found ?? header(232), found === undefined)
  }
  await cache.close(until === entries.length)
  return known
}

const onlyFile = async (): Promise<string> => {
  const names = await readdir(folder)
  expect(names).toHaveLength(1)
  return join(folder, names[0]!)
}

describe('a line', () => {
  const beginning = fc.oneof(
    fc.constant<Beginning>({ kind: 'other' }),
    fc.string().map((problem): Beginning => ({ kind: 'broken', problem })),
    fc.integer({ min: 16, max: 300 }).map((length) => header(length)),
  )
  const kept = fc.record({
    objectKey: fc.string({ unit: 'grapheme' }),
    etag: fc.string({ minLength: 1 }),
    size: fc.maxSafeNat(),
    beginning,
  })

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(kept, (line) => {
        expect(serializeLine(line)).not.toContain('\n')
        expect(parseLine(serializeLine(line))).toEqual(line)
      }),
    )
  })

  it('is refused when any sign of it was changed', () => {
    fc.assert(
      fc.property(kept, fc.nat(), fc.integer({ min: 1, max: 127 }), (line, at, change) => {
        const text = serializeLine(line)
        const position = at % text.length
        const other = String.fromCharCode(text.charCodeAt(position) ^ change)
        const changed = text.slice(0, position) + other + text.slice(position + 1)
        expect(() => parseLine(changed)).toThrow('not as it was written')
      }),
    )
  })

  it('leaves out the bytes of a header with very many packets', () => {
    const line = serializeLine({ objectKey: 'a', etag: 'e', size: 9999, beginning: header(7036, 65) })
    expect(parseLine(line).beginning).toEqual({ ...header(7036, 65), header: undefined })
  })
})

describe('headers that are kept', () => {
  const objects = ['a', 'run/1', 'run/2', 'run/3', 'z'].map((key) => entry(key))
  const keys = objects.map(({ objectKey }) => objectKey)

  it('are known the next time, and readable by their owner alone', async () => {
    expect(await list(objects)).toEqual([])
    expect(await list(objects)).toEqual(keys)
    expect((await stat(await onlyFile())).mode & 0o777).toBe(0o600)
    expect(notices).toEqual([])
  })

  it('are those of one bucket', async () => {
    await list(objects)
    expect(await list(objects, { bucket: 'outbox' })).toEqual([])
    expect(await list(objects)).toEqual(keys)
  })

  it('count for one ETag and size', async () => {
    await list(objects)
    const changed = objects.map((object, index) => (index === 2 ? { ...object, etag: 'new' } : object))
    expect(await list(changed)).toEqual(keys.filter((_key, index) => index !== 2))
    expect(await list(changed)).toEqual(keys)
    expect(await list(changed.map((object) => ({ ...object, size: 1001 })))).toEqual([])
  })

  it('of objects without an ETag are not kept', async () => {
    await list([entry('a', '')])
    expect(await list([entry('a', '')])).toEqual([])
  })

  it('stay while another prefix is listed, and those of deleted objects go', async () => {
    await list(objects)
    expect(await list([entry('run/2')], { prefix: 'run/' })).toEqual(['run/2'])
    expect(await list(objects)).toEqual(['a', 'run/2', 'z'])
  })

  it('stay after a listing that was cut short, and what it learned is added', async () => {
    await list(objects.slice(1))
    const changed = objects.map((object) => ({
      ...object,
      etag: object.objectKey === 'run/1' ? 'new' : 'etag',
    }))
    expect(await list(changed, { until: 2 })).toEqual([])
    expect(await list(changed)).toEqual(keys)
  })

  it('stay where a walk ends that was ahead of what it kept, but for versions that are gone', async () => {
    await list(objects)
    const cache = await open()
    const walked = objects.slice(0, 4).map((object) => ({
      ...object,
      etag: object.objectKey === 'a' || object.objectKey === 'run/2' ? 'new' : 'etag',
    }))
    const found = []
    for (const object of walked) found.push(await cache.find(object))
    await cache.keep(walked[0]!, header(232), true)
    await cache.keep(walked[1]!, found[1]!, false)
    await cache.close(false)
    expect(await list([walked[0]!, ...objects.slice(1)])).toEqual(['a', 'run/1', 'run/3', 'z'])
    expect(notices).toEqual([])
  })

  it('are found and kept as in a map, whatever is listed when', async () => {
    const key = fc.array(fc.constantFrom('a', 'b', '/', 'é', '😀', '\uffff'), { minLength: 1, maxLength: 3 })
    const listing = fc.record({
      prefix: fc.constantFrom('', 'a', 'a/', 'b', '😀'),
      entries: fc.uniqueArray(
        fc.tuple(
          key.map((letters) => letters.join('')),
          fc.constantFrom('e1', 'e2'),
        ),
        {
          selector: ([objectKey]) => objectKey,
          maxLength: 12,
        },
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(listing, { maxLength: 6 }), async (listings) => {
        await Promise.all((await readdir(folder)).map((name) => rm(join(folder, name))))
        const model = new Map<string, string>()
        for (const { prefix, entries } of listings) {
          const listed = entries
            .filter(([objectKey]) => objectKey.startsWith(prefix))
            .sort(([one], [other]) => compareKeys(one, other))
          const expected = listed.filter(([objectKey, etag]) => model.get(objectKey) === etag)
          const known = await list(
            listed.map(([objectKey, etag]) => entry(objectKey, etag)),
            { prefix },
          )
          expect(known).toEqual(expected.map(([objectKey]) => objectKey))
          for (const objectKey of model.keys()) if (objectKey.startsWith(prefix)) model.delete(objectKey)
          for (const [objectKey, etag] of listed) model.set(objectKey, etag)
        }
        expect(notices).toEqual([])
      }),
      { numRuns: 40 },
    )
  })
})

describe('a cache that cannot be used', () => {
  const objects = ['a', 'b', 'c'].map((key) => entry(key))

  it('is ignored from where it is damaged, said to be so, and replaced', async () => {
    await list(objects)
    const file = await onlyFile()
    const lines = (await readFile(file, 'utf8')).split('\n')
    lines[2] = lines[2]!.replace('"b"', '"B"')
    await writeFile(file, lines.join('\n'))
    expect(await list(objects)).toEqual(['a'])
    expect(notices).toEqual([expect.stringMatching(/of no use, headers are fetched again/)])
    expect(await list(objects)).toEqual(['a', 'b', 'c'])
    expect(notices).toHaveLength(1)
  })

  it.each([
    ['bytes of anything', Buffer.from('nothing of ours\n')],
    ['a line without an end', Buffer.alloc(300_000, 'x')],
    ['nothing', Buffer.alloc(0)],
  ])('holds %s', async (_what, content) => {
    await list(objects)
    await writeFile(await onlyFile(), content)
    expect(await list(objects)).toEqual([])
    expect(notices).toHaveLength(1)
    expect(await list(objects)).toEqual(['a', 'b', 'c'])
  })

  it('is cut off within a line', async () => {
    await list(objects)
    const file = await onlyFile()
    await writeFile(file, (await readFile(file)).subarray(0, -5))
    expect(await list(objects)).toEqual(['a', 'b'])
    expect(notices).toHaveLength(1)
  })

  it('has a folder that is a file: nothing is kept, and the listing goes on', async () => {
    const path = join(folder, 'file')
    await writeFile(path, '')
    const cache = await openHeaderCache({
      ...{ folder: path, endpoint: 'http://store', bucket: 'inbox', prefix: '' },
      onNotice: (message) => notices.push(message),
    })
    expect(await cache.find(objects[0]!)).toBeUndefined()
    await cache.keep(objects[0]!, header(124), true)
    await cache.close(true)
    expect(notices[0]).toMatch(/headers are not kept/)
  })

  it('keeps nothing of a listing that is not in the order of keys, and loses nothing', async () => {
    await list(objects)
    const before = await readFile(await onlyFile())
    await list([entry('a', 'x'), entry('c', 'x'), entry('b', 'x')])
    expect(notices).toEqual([expect.stringMatching(/order of object keys/)])
    expect((await readFile(await onlyFile())).equals(before)).toBe(true)
  })

  it('was left unfinished by a run that was killed: removed a day later', async () => {
    const [left, recent] = [join(folder, '.x.headers.1234.partial'), join(folder, '.y.headers.1234.partial')]
    await writeFile(left, 'left')
    await writeFile(recent, 'under way')
    const yesterday = new Date(Date.now() - 25 * 3_600_000)
    await utimes(left, yesterday, yesterday)
    await list(objects)
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([
      '.y.headers.1234.partial',
    ])
  })
})
