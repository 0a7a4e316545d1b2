import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectTaggingCommand,
  GetObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { openImportBucket, PASSPHRASE } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'

const BUCKET = 'animine-data-import-7'
const MIB = 1024 ** 2
const FILES = {
  'reads_1.fastq': randomBytes(300_000),
  'reads_2 ä+b.fastq': randomBytes(70_000),
  'large.bam': randomBytes(12 * MIB + 7),
}
const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')
const DIGESTS = Object.fromEntries(Object.entries(FILES).map(([name, content]) => [name, sha256(content)]))
const RUN = `s3://${BUCKET}/run_12/`

onEveryBackend('a key is lost after a run was delivered', (stage) => {
  const withPassphrase = { env: PASSPHRASE }
  const rekey = (place: string, ...args: string[]) =>
    stage().group.sealift(['rekey', place, '--identity', 'animine.sec', ...args], withPassphrase)
  const download = async (identity: string, into: string) => {
    const args = ['download', RUN, into, '--identity', identity]
    return stage().group.sealift(args, withPassphrase)
  }
  const digestsOf = async (folder: string) => {
    const path = join(stage().group.home, folder)
    const names = await readdir(path)
    const digest = async (name: string): Promise<[string, string]> => [
      name,
      sha256(await readFile(join(path, name))),
    ]
    return Object.fromEntries(await Promise.all(names.map(digest)))
  }
  const versions = async () => {
    const { Versions = [] } = await stage().group.s3.send(new ListObjectVersionsCommand({ Bucket: BUCKET }))
    return Versions.filter(({ Key }) => Key?.startsWith('run_12/'))
  }

  beforeAll(async () => {
    const { backend, group, producer } = stage()
    await openImportBucket(group, producer, BUCKET)
    for (const name of ['lost', 'anna']) await group.json(['key', 'generate', name], withPassphrase)
    await mkdir(join(producer.home, 'run_12'))
    for (const [name, content] of Object.entries(FILES)) {
      await writeFile(join(producer.home, 'run_12', name), content)
    }
    for (const name of ['animine.pub', 'lost.pub']) {
      await writeFile(join(producer.home, name), await readFile(join(group.home, name)))
    }
    const to = ['--to', 'animine.pub', '--to', 'lost.pub']
    await producer.json(['upload', 'run_12/', `s3://${backend.bucketAddress(BUCKET)}/run_12/`, ...to])
  })

  it('a colleague is let in, and the lost key is shut out, by moving some megabytes', async () => {
    const { backend, group } = stage()
    const tagged = { Bucket: BUCKET, Key: 'run_12/large.bam.c4gh' }
    const TagSet = [{ Key: 'state', Value: 'raw' }]
    // The sandbox has no tags.
    const hasTags = backend.name !== 'sandbox'
    if (hasTags) await group.s3.send(new PutObjectTaggingCommand({ ...tagged, Tagging: { TagSet } }))
    const before = await group.s3.send(new HeadObjectCommand(tagged))
    const dry = await rekey(RUN, '--add', 'anna.pub', '--remove', 'lost.pub', '--dry-run')
    expect(dry).toMatchObject({ code: 0 })
    expect(dry.stdout).toMatch(/would rekey 3 objects/)
    expect((await group.s3.send(new HeadObjectCommand(tagged))).ETag).toBe(before.ETag)

    const args = ['rekey', RUN, '--identity', 'animine.sec', '--add', 'anna.pub', '--remove', 'lost.pub']
    const result = (await group.json(args, withPassphrase)) as {
      rekeyed: { objectKey: string; sentBytes: number; size: number; way: string }[]
    }
    expect(result).toMatchObject({
      versioned: true,
      failed: [],
      skipped: { notCrypt4gh: 0, doneBefore: 0 },
      totals: { objects: 3, packetsDropped: 3, olderVersions: 3, noLongerReadable: 0 },
    })
    const large = result.rekeyed.find(({ objectKey }) => objectKey === tagged.Key)
    expect(large).toMatchObject({ way: 'copied' })
    expect(large?.sentBytes).toBeLessThan(6 * MIB)

    const after = await group.s3.send(new HeadObjectCommand(tagged))
    expect(after.ETag).not.toBe(before.ETag)
    expect(after.ContentLength).toBe(before.ContentLength)
    expect(after.ContentType).toBe(before.ContentType)
    if (hasTags) expect(await group.s3.send(new GetObjectTaggingCommand(tagged))).toMatchObject({ TagSet })
    const { Uploads = [] } = await group.s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))
    expect(Uploads).toEqual([])
  })

  it('both who shall can read everything, and the lost key opens nothing', async () => {
    for (const name of ['anna', 'animine']) {
      expect(await download(`${name}.sec`, `of-${name}/`)).toMatchObject({ code: 0 })
      expect(await digestsOf(`of-${name}`)).toEqual(DIGESTS)
    }
    expectFailure(await download('lost.sec', 'of-lost/'), { code: 12, error: /no identity opens/ })
  })

  it('the versions before still have the old header: that is said, and ended where it is asked for', async () => {
    expect(await versions()).toHaveLength(6)
    const run = await rekey(RUN, '--to', 'animine.pub', '--to', 'anna.pub', '--deep', '--delete-replaced')
    expect(run).toMatchObject({ code: 0 })
    expect(run.stdout).toMatch(/rekeyed 3 objects, .*, with a new data key and body/)
    expect(run.stdout).toMatch(/who kept a copy of the old object can still read that/)
    // The three of before the first change are older than what was replaced.
    expect(await versions()).toHaveLength(6)
    expect(await download('anna.sec', 'again/')).toMatchObject({ code: 0 })
    expect(await digestsOf('again')).toEqual(DIGESTS)
  })

  it('into another bucket nothing is replaced', async () => {
    const { group } = stage()
    await group.s3.send(new CreateBucketCommand({ Bucket: 'animine-for-anna-7' }))
    const into = ['--to', 'anna.pub', '--into', 's3://animine-for-anna-7/run/']
    const etag = async (Bucket: string, Key: string) =>
      (await group.s3.send(new HeadObjectCommand({ Bucket, Key }))).ETag
    const before = await etag(BUCKET, 'run_12/large.bam.c4gh')
    expect(await rekey(RUN, ...into)).toMatchObject({ code: 0 })
    expect(await etag(BUCKET, 'run_12/large.bam.c4gh')).toBe(before)
    const copy = new GetObjectCommand({ Bucket: 'animine-for-anna-7', Key: 'run/reads_2 ä+b.fastq.c4gh' })
    expect((await (await group.s3.send(copy)).Body!.transformToByteArray()).length).toBeGreaterThan(70_000)
    expectFailure(await rekey(RUN, ...into), { code: 14, error: /exists already/ })
    expect(await rekey(RUN, ...into, '--force')).toMatchObject({ code: 0 })
  })

  it('no record of it stays on this machine', async () => {
    const state = join(stage().group.home, '.local', 'state', 'sealift', 'rekeys')
    expect(await readdir(state)).toEqual([])
  })
})
