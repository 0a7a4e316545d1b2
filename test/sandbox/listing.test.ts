import {
  CreateBucketCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { takePage } from '../../src/sandbox/operations/listing.ts'
import { compareUtf8, KeyIndex } from '../../src/sandbox/state/key-index.ts'
import { type Practice, startPractice } from './practice.ts'

const objectKey = fc.string({
  unit: fc.constantFrom('a', 'b', '/', 'ä', '🧬', '\uffee'),
  minLength: 1,
  maxLength: 6,
})

describe('the order of object keys', () => {
  it('is that of their UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (left, right) => {
        const bytes = Buffer.compare(Buffer.from(left), Buffer.from(right))
        expect(Math.sign(compareUtf8(left, right))).toBe(bytes)
      }),
    )
  })

  it('holds after keys came and went', () => {
    fc.assert(
      fc.property(fc.array(objectKey), fc.array(objectKey), objectKey, (added, removed, prefix) => {
        const index = new KeyIndex()
        for (const each of added) index.add(each)
        expect([...index.range('')]).toHaveLength(new Set(added).size)
        for (const each of removed) index.remove(each)
        const left = [...new Set(added)].filter((each) => !removed.includes(each) && each.startsWith(prefix))
        expect([...index.range(prefix)]).toEqual(left.sort(compareUtf8))
      }),
    )
  })
})

describe('pages', () => {
  it('together give every key once, those behind a delimiter as one common prefix', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(objectKey, { maxLength: 30 }),
        fc.constantFrom('', 'a', 'b/'),
        fc.constantFrom('', '/', 'ä'),
        fc.integer({ min: 1, max: 5 }),
        (keys, prefix, delimiter, limit) => {
          const index = new KeyIndex()
          for (const each of keys) index.add(each)
          const [entries, prefixes]: [string[], string[]] = [[], []]
          let after: string | undefined
          do {
            const page = takePage(index.range(prefix, after), (each) => each, {
              prefix,
              delimiter,
              limit,
              after,
            })
            expect(page.entries.length + page.commonPrefixes.length).toBeLessThanOrEqual(limit)
            entries.push(...page.entries)
            prefixes.push(...page.commonPrefixes)
            after = page.last
          } while (after !== undefined)

          const matching = keys.filter((each) => each.startsWith(prefix)).sort(compareUtf8)
          const fold = (each: string): string | undefined => {
            const end = delimiter === '' ? -1 : each.indexOf(delimiter, prefix.length)
            return end === -1 ? undefined : each.slice(0, end + delimiter.length)
          }
          expect(entries).toEqual(matching.filter((each) => fold(each) === undefined))
          const folded = matching.map(fold).filter((each) => each !== undefined)
          expect(prefixes).toEqual([...new Set(folded)])
        },
      ),
    )
  })
})

describe('a listing', () => {
  const Bucket = 'listing'
  const keys = ['a', 'dir/1', 'dir/2', 'dir/sub/3', 'odd\u0001key', 'z & <more>', 'ä', '🧬'].sort(compareUtf8)
  let practice: Practice
  beforeAll(async () => {
    practice = await startPractice()
    await practice.group.send(new CreateBucketCommand({ Bucket }))
    for (const Key of keys) await practice.group.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
  })
  afterAll(async () => {
    await practice.close()
  })
  const list = (more: object) => practice.group.send(new ListObjectsV2Command({ Bucket, ...more }))
  const names = (page: { Contents?: { Key?: string | undefined }[] | undefined }) =>
    (page.Contents ?? []).map(({ Key }) => Key)

  it('has size, ETag and, when asked for, the owner', async () => {
    const { Contents } = await list({ Prefix: 'dir/1', FetchOwner: true })
    expect(Contents).toMatchObject([
      { Key: 'dir/1', Size: 5, Owner: { ID: 'project_2000222', DisplayName: 'group' } },
    ])
    expect((await list({ Prefix: 'dir/1' })).Contents?.[0]?.Owner).toBeUndefined()
  })

  it('folds at a delimiter and goes on where it stopped', async () => {
    const page = await list({ Delimiter: '/', MaxKeys: 2 })
    expect([names(page), page.CommonPrefixes, page.KeyCount]).toEqual([['a'], [{ Prefix: 'dir/' }], 2])
    const rest = await list({ Delimiter: '/', ContinuationToken: page.NextContinuationToken })
    expect([names(rest), rest.CommonPrefixes, rest.IsTruncated]).toEqual([keys.slice(4), undefined, false])
  })

  it('starts after a key, and may be empty', async () => {
    expect(names(await list({ StartAfter: 'dir/2' }))).toEqual(keys.slice(3))
    expect(await list({ MaxKeys: 0 })).toMatchObject({ IsTruncated: false, KeyCount: 0 })
    expect(names(await list({ Prefix: 'none' }))).toEqual([])
  })

  it('gives odd keys exactly, encoded or not', async () => {
    expect(names(await list({}))).toEqual(keys)
    const encoded = names(await list({ EncodingType: 'url' })).map((each) => decodeURIComponent(each!))
    expect(encoded).toEqual(keys)
  })

  it('exists in the first version too', async () => {
    const page = await practice.group.send(new ListObjectsCommand({ Bucket, MaxKeys: 3 }))
    const rest = await practice.group.send(new ListObjectsCommand({ Bucket, Marker: page.NextMarker }))
    expect([...names(page), ...names(rest)]).toEqual(keys)
    const folded = await practice.group.send(
      new ListObjectsCommand({ Bucket, Delimiter: '/', Marker: 'dir/' }),
    )
    expect([names(folded), folded.CommonPrefixes]).toEqual([keys.slice(4), undefined])
  })
})
