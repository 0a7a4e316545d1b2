import {
  CreateBucketCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

import { createS3Store } from '../../src/storage/s3/s3-store.ts'
import { copyObjects } from '../../src/workflows/copy-objects.ts'
import { areDistinctBuckets } from '../../src/workflows/many-objects/distinct-buckets.ts'
import { moveObjects } from '../../src/workflows/move-objects.ts'
import { openImportBucket, PASSPHRASE } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'

/** Keeps versions, and belongs to the group. */
const INBOX = 'animine-data-import-8'
/** Keeps none. */
const ARCHIVE = 'animine-archive-8'
const MIB = 1024 ** 2

/** What servers, SDKs and shells stumble over. */
const ODD = ['lane 1/a+b.c4gh', 'ä/ü.c4gh', 'percent/100%25.c4gh', 'quote\'"&.c4gh']

onEveryBackend('objects that are copied, moved and deleted on the server', (stage) => {
  const send = () => stage().group.s3
  const bytesOf = async (Bucket: string, Key: string): Promise<Buffer> => {
    const { Body } = await send().send(new GetObjectCommand({ Bucket, Key }))
    return Buffer.from(await Body!.transformToByteArray())
  }
  /** The sandbox has no tags. */
  const tagged = () =>
    stage().backend.name === 'sandbox'
      ? { header: {}, tags: undefined }
      : { header: { Tagging: 'state=raw&of=run%2012' }, tags: { state: 'raw', of: 'run 12' } }
  const tagsOf = async (object: { Bucket: string; Key: string }) => {
    if (tagged().tags === undefined) return undefined
    const { TagSet = [] } = await send().send(new GetObjectTaggingCommand(object))
    return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value] as const))
  }
  const keysIn = async (Bucket: string, Prefix = ''): Promise<string[]> => {
    const { Contents = [] } = await send().send(new ListObjectsV2Command({ Bucket, Prefix }))
    return Contents.map(({ Key = '' }) => Key)
  }
  const versionsOf = async (Prefix: string) => {
    const listed = await send().send(new ListObjectVersionsCommand({ Bucket: INBOX, Prefix }))
    return { versions: listed.Versions ?? [], markers: listed.DeleteMarkers ?? [] }
  }

  beforeAll(async () => {
    const { group, producer } = stage()
    await openImportBucket(group, producer, INBOX)
    await send().send(new CreateBucketCommand({ Bucket: ARCHIVE }))
    await mkdir(join(group.home, 'run_1'))
    await writeFile(join(group.home, 'run_1', 'reads.fastq'), randomBytes(200_000))
    await group.json(['upload', 'run_1', `s3://${INBOX}/run_1/`, '--to', 'animine.pub'])
    const said = { ContentType: 'text/x-reads', Metadata: { sample: '7' }, CacheControl: 'no-store' }
    for (const key of ODD) {
      const odd = { Bucket: INBOX, Key: `run_1/${key}`, Body: `crypt4gh ${key}`, ...tagged().header }
      await send().send(new PutObjectCommand({ ...odd, ...said }))
    }
    await send().send(new PutObjectCommand({ Bucket: INBOX, Key: 'run_1/notes.txt', Body: 'readable' }))
    await send().send(new PutObjectCommand({ Bucket: INBOX, Key: 'run_10/other', Body: 'of another run' }))
  })

  describe('cp', () => {
    it('copies a run with all that belongs to it, into a bucket of its own', async () => {
      const { backend, group, producer } = stage()
      const Key = `run_1/${ODD[0]}`
      const acl = await send().send(new GetObjectAclCommand({ Bucket: INBOX, Key }))
      const ID = producer.project.identity.replace(/^rgw:/, '')
      const Grants = [
        ...(acl.Grants ?? []),
        { Grantee: { Type: 'CanonicalUser' as const, ID }, Permission: 'READ' as const },
      ]
      const AccessControlPolicy = { Owner: acl.Owner, Grants }
      await send().send(new PutObjectAclCommand({ Bucket: INBOX, Key, AccessControlPolicy }))

      const { code, stdout, stderr } = await group.sealift([
        'cp',
        `s3://${INBOX}/run_1/`,
        `s3://${ARCHIVE}/kept/`,
      ])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/copied 6 objects, .* from s3:\/\/animine-data-import-8\/run_1\/ to /)
      expect(stdout).toMatch(/not encrypted: 1 object of them/)
      const names = await keysIn(ARCHIVE)
      expect(names.sort()).toEqual(
        [...ODD, 'notes.txt', 'reads.fastq.c4gh'].map((key) => `kept/${key}`).sort(),
      )
      for (const key of ODD) {
        const copy = { Bucket: ARCHIVE, Key: `kept/${key}` }
        expect((await bytesOf(ARCHIVE, copy.Key)).toString()).toBe(`crypt4gh ${key}`)
        const head = await send().send(new HeadObjectCommand(copy))
        expect(head).toMatchObject({
          ContentType: 'text/x-reads',
          Metadata: { sample: '7' },
          CacheControl: 'no-store',
        })
        expect(await tagsOf(copy)).toEqual(tagged().tags)
      }
      const copied = await send().send(new GetObjectAclCommand({ Bucket: ARCHIVE, Key: `kept/${ODD[0]}` }))
      expect(
        copied.Grants?.some(({ Grantee, Permission }) => Grantee?.ID === ID && Permission === 'READ'),
      ).toBe(true)
      const to = join(group.home, 'back')
      const fetch = ['download', `s3://${ARCHIVE}/kept/reads.fastq.c4gh`, to, '--identity', 'animine.sec']
      await group.json(fetch, { env: PASSPHRASE })
      const original = await readFile(join(group.home, 'run_1', 'reads.fastq'))
      expect((await readFile(to)).equals(original)).toBe(true)
      expect(backend.provider).toBe('ceph')
    })

    it('makes nothing twice, and replaces nothing unasked', async () => {
      const { group } = stage()
      const again = await group.json(['cp', `s3://${INBOX}/run_1/`, `s3://${ARCHIVE}/kept/`])
      expect(again).toMatchObject({ objects: 0, alreadyThere: 6, failed: [] })
      await send().send(new PutObjectCommand({ Bucket: ARCHIVE, Key: 'kept/notes.txt', Body: 'other notes' }))
      const mixed = await group.sealift(['cp', `s3://${INBOX}/run_1/`, `s3://${ARCHIVE}/kept/`])
      expectFailure(mixed, { code: 3, error: /kept\/notes\.txt exists/, hint: /--force/ })
      expectFailure(await group.sealift(['cp', `s3://${INBOX}/run_1/notes.txt`, `s3://${ARCHIVE}/kept/`]), {
        code: 14,
        error: /exists/,
      })
      expect((await bytesOf(ARCHIVE, 'kept/notes.txt')).toString()).toBe('other notes')
      const forced = ['cp', `s3://${INBOX}/run_1/notes.txt`, `s3://${ARCHIVE}/kept/`, '--force']
      expect(await group.json(forced)).toMatchObject({ objects: 1 })
      expect((await bytesOf(ARCHIVE, 'kept/notes.txt')).toString()).toBe('readable')
    })

    it('copies what is over the limit of one request in parts, whatever it is called', async () => {
      const { backend, group } = stage()
      const store = createS3Store({ endpoint: backend.endpoint, credentials: group.project })
      const body = randomBytes(17 * MIB + 5)
      const records = { folder: join(group.home, 'copies'), endpoint: backend.endpoint }
      const request = { force: false, wholeCopyLimit: 8 * MIB, partSize: 6 * MIB, records }
      for (const name of ['big ä+.c4gh', 'big 100%25.c4gh']) {
        const said = { Metadata: { sample: '8' }, ...tagged().header }
        await send().send(new PutObjectCommand({ Bucket: INBOX, Key: name, Body: body, ...said }))
        const source = { bucket: INBOX, objectKey: name }
        const target = { bucket: ARCHIVE, objectKey: `large/${name}` }
        const copied = await copyObjects(store, { ...request, source, target })
        expect(copied).toMatchObject({ objects: 1, bytes: body.length })
        expect((await bytesOf(ARCHIVE, target.objectKey)).equals(body)).toBe(true)
        expect(await store.headObject(ARCHIVE, target.objectKey)).toMatchObject({
          headers: { metadata: { sample: '8' } },
        })
        expect(await tagsOf({ Bucket: ARCHIVE, Key: target.objectKey })).toEqual(tagged().tags)
        // It has another ETag, but this machine has seen it; without that it is another object.
        await expect(
          copyObjects(store, { ...request, source, target, records: undefined }),
        ).rejects.toMatchObject({ code: 'OBJECT_EXISTS' })
        const moved = { bucket: ARCHIVE, objectKey: `moved/${name}` }
        await moveObjects(store, { ...request, source: target, target: moved })
        expect(await keysIn(ARCHIVE, target.objectKey)).toEqual([])
        expect((await bytesOf(ARCHIVE, moved.objectKey)).equals(body)).toBe(true)
      }
      store.close()
    })

    it('is refused to others', async () => {
      const { backend, outsider } = stage()
      const theirs = `s3://${backend.bucketAddress(INBOX)}`
      const copying = await outsider.sealift(['cp', `${theirs}/run_1/notes.txt`, `${theirs}/mine.txt`])
      expectFailure(copying, { code: 11, error: /denied/ })
      const deleting = await outsider.sealift(['rm', `${theirs}/run_1/notes.txt`])
      expectFailure(deleting, { code: 11, error: /denied/ })
      expect(await keysIn(INBOX, 'run_1/notes.txt')).toHaveLength(1)
    })
  })

  describe('mv', () => {
    it('moves a run out; what versions keep of it is said, and goes with rm --versions', async () => {
      const { group } = stage()
      const moved = await group.sealift(['mv', `s3://${INBOX}/run_1/`, `s3://${ARCHIVE}/moved_run/`])
      expect({ code: moved.code, stderr: moved.stderr }).toEqual({ code: 0, stderr: '' })
      expect(moved.stdout).toMatch(/moved 6 objects/)
      expect(moved.stdout).toMatch(/stays readable there.*sealift rm .*run_1\/ --recursive --versions/)
      expect(await keysIn(INBOX, 'run_1/')).toEqual([])
      expect(await keysIn(INBOX, 'run_10/')).toHaveLength(1)
      expect(await keysIn(ARCHIVE, 'moved_run/')).toHaveLength(6)
      const kept = await versionsOf('run_1/')
      expect({ versions: kept.versions.length, markers: kept.markers.length }).toEqual({
        versions: 6,
        markers: 6,
      })
      const gone = await group.json(['rm', `s3://${INBOX}/run_1/`, '--recursive', '--versions', '--yes'])
      expect(gone).toMatchObject({ removed: { objects: 0, olderVersions: 6, deleteMarkers: 6 }, failed: [] })
      expect(await versionsOf('run_1/')).toEqual({ versions: [], markers: [] })
    })

    it('renames within a bucket, and says when there is nothing', async () => {
      const { group } = stage()
      const rename = ['mv', `s3://${ARCHIVE}/moved_run/notes.txt`, `s3://${ARCHIVE}/notes 2.txt`]
      expect(await group.json(rename)).toMatchObject({ objects: 1, olderVersions: 'none' })
      expect((await bytesOf(ARCHIVE, 'notes 2.txt')).toString()).toBe('readable')
      expectFailure(await group.sealift(rename), { code: 10, error: /no object/ })
    })
  })

  it('is not fooled by the two names of one bucket', async () => {
    const { backend, group } = stage()
    const address = backend.bucketAddress(ARCHIVE)
    // Of the default tenant's the second name begins with the colon.
    const other = address === ARCHIVE ? `:${ARCHIVE}` : address
    await send().send(new PutObjectCommand({ Bucket: ARCHIVE, Key: 'only', Body: 'the only one' }))
    for (const [from, to] of [
      [ARCHIVE, other],
      [other, ARCHIVE],
    ]) {
      const move = ['mv', `s3://${from}/only`, `s3://${to}/only`, '--force']
      expectFailure(await group.sealift(move), { code: 2, error: /onto itself/ })
    }
    expect((await bytesOf(ARCHIVE, 'only')).toString()).toBe('the only one')
    const store = createS3Store({ endpoint: backend.endpoint, credentials: group.project })
    expect(await areDistinctBuckets(store, other, { bucket: ARCHIVE, objectKey: 'only' })).toBe(false)
    expect(await areDistinctBuckets(store, INBOX, { bucket: ARCHIVE, objectKey: 'only' })).toBe(true)
    expect(await areDistinctBuckets(store, INBOX, { bucket: other, objectKey: 'only' })).toBe(true)
    store.close()
    const { Uploads = [] } = await send().send(new ListMultipartUploadsCommand({ Bucket: ARCHIVE }))
    expect(Uploads).toEqual([])
  })

  describe('rm', () => {
    it('deletes one object; the version below is named and can be deleted for good', async () => {
      const { group } = stage()
      await send().send(
        new PutObjectCommand({ Bucket: INBOX, Key: 'run_10/other', Body: 'of another run, again' }),
      )
      const { code, stdout } = await group.sealift(['rm', `s3://${INBOX}/run_10/other`])
      expect(code).toBe(0)
      expect(stdout).toMatch(/deleted 1 object, 21 B, at s3:.*run_10\/other\n.*2 older versions there, 35 B/)
      expectFailure(await group.sealift(['rm', `s3://${INBOX}/run_10/other`]), {
        code: 10,
        error: /run_10\/other/,
      })
      const older = ['rm', `s3://${INBOX}/run_10/`, '--recursive', '--older-versions', '--yes']
      expect(await group.json(older)).toMatchObject({ removed: { olderVersions: 2, deleteMarkers: 1 } })
      expect(await versionsOf('run_10/')).toEqual({ versions: [], markers: [] })
    })

    it('deletes a bucket’s objects, and keeps its published keys', async () => {
      const { group } = stage()
      await send().send(new PutObjectCommand({ Bucket: INBOX, Key: 'run_11/x', Body: 'x' }))
      const shown = await group.sealift(['rm', `s3://${INBOX}/`, '--recursive', '--dry-run'])
      expect(shown.stdout).toMatch(/ run_11\/x\n[^]*would delete [^]*left out 1 published key/)
      expect(await keysIn(INBOX)).toContain('run_11/x')
      const removed = await group.json(['rm', `s3://${INBOX}/`, '--recursive', '--yes'])
      expect(removed).toMatchObject({ leftOut: { publishedKeys: 1 }, failed: [] })
      expect(await keysIn(INBOX)).toEqual(['keys/animine.pub'])
      expect(await group.json(['rm', `s3://${ARCHIVE}/`, '--recursive', '--yes'])).toMatchObject({
        olderVersions: 'none',
      })
      expect(await keysIn(ARCHIVE)).toEqual([])
    })
  })
})
