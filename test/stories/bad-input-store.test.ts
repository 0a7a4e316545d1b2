import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'

import { openImportBucket, PASSPHRASE } from '../support/cast.ts'
import { createPerson } from '../support/cli.ts'
import { expectFailure } from '../support/failure.ts'
import type { ExpectedFailure } from '../support/failure.ts'
import { filesBelow, writeTree } from '../support/files.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'
import { refusal } from '../support/s3.ts'

const BUCKET = 'animine-data-import-5'
const STORED = 'run_12/reads.fastq.c4gh'

onEveryBackend('bad input to what talks to a store', (stage) => {
  beforeAll(async () => {
    const { group, producer, outsider } = stage()
    await openImportBucket(group, producer, BUCKET)
    await group.json(['key', 'generate', 'stranger', '--no-passphrase'])
    await writeTree(group.home, {
      'reads.fastq': randomBytes(150_000),
      'other.fastq': Buffer.from('other'),
      'notes.txt': Buffer.from('nothing secret and no key\n'),
    })
    await group.json(['upload', 'reads.fastq', `s3://${BUCKET}/run_12/`, '--to', 'animine.pub'])
    await outsider.s3.send(new CreateBucketCommand({ Bucket: 'taken-by-another' }))
  })

  /** The group's command fails as described and leaves its folder as it was. */
  async function refused(args: string[], failure: ExpectedFailure): Promise<void> {
    const { group } = stage()
    const before = await filesBelow(group.home)
    const run = await group.sealift(args, { env: PASSPHRASE })
    expectFailure(run, failure)
    expect(await filesBelow(group.home)).toEqual(before)
  }

  async function stored(Key: string): Promise<Buffer> {
    const { Body } = await stage().group.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }))
    return Buffer.from(await Body!.transformToByteArray())
  }

  async function store(Key: string, Body: Uint8Array): Promise<void> {
    await stage().group.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }))
  }

  async function statusOf(Key: string): Promise<number | undefined> {
    return refusal(stage().group.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key })))
  }

  it('a bucket name that S3 does not allow, or that is taken', async () => {
    const { producer } = stage()
    const open = (bucket: string): string[] => ['bucket', 'open', bucket, '--for', producer.project.name]
    await refused(open('Bad_Name'), { code: 2, error: /Bad_Name/ })
    await refused(open(BUCKET), { code: 14, error: new RegExp(BUCKET), hint: /--reuse/ })
  })

  it("another project's bucket name", async () => {
    const { backend, producer } = stage()
    // Every tenant has its own names.
    if (backend.name === 'rgw across tenants') return
    const open = ['bucket', 'open', 'taken-by-another', '--for', producer.project.name]
    await refused(open, { code: 14, error: /taken-by-another/ })
  })

  it('a project that is not in the address book', async () => {
    const open = ['bucket', 'open', 'never-made', '--for', 'project_9999999']
    await refused(open, { code: 10, error: /project_9999999/, hint: /project add/ })
    const probe = new HeadObjectCommand({ Bucket: 'never-made', Key: 'x' })
    expect(await refusal(stage().group.s3.send(probe))).toBe(404)
    const grant = ['access', 'grant', BUCKET, '--project', 'project_9999999']
    await refused(grant, { code: 10, error: /project_9999999/, hint: /project add/ })
  })

  it('wrong credentials, and none', async () => {
    const { backend, group } = stage()
    const { accessKeyId } = group.project
    for (const wrong of [
      { accessKeyId, secretAccessKey: 'wrong' },
      { accessKeyId: 'unknown', secretAccessKey: 'wrong' },
    ]) {
      const person = await createPerson(backend.endpoint, wrong)
      const run = await person.sealift(['ls', `s3://${BUCKET}/`])
      expectFailure(run, { code: 11, error: /credential|key/i })
      expect(run.stderr).not.toContain('wrong')
      await person.leave()
    }
    const person = await createPerson(backend.endpoint, group.project)
    await writeFile(join(person.home, '.aws', 'credentials'), '')
    const run = await person.sealift(['ls', `s3://${BUCKET}/`])
    expectFailure(run, { code: 11, error: /credential/i })
    await person.leave()
  })

  it('an endpoint where nothing answers', async () => {
    const person = await createPerson('http://127.0.0.1:9', stage().group.project)
    const run = await person.sealift(['ls', `s3://${BUCKET}/`])
    expectFailure(run, { code: 1, error: /127\.0\.0\.1:9/, hint: /endpoint/ })
    await person.leave()
  })

  it('a bucket and an object that are not there', async () => {
    await refused(['ls', 's3://no-such-bucket-here/'], { code: 10, error: /no-such-bucket-here/ })
    const download = ['download', `s3://${BUCKET}/run_12/missing.c4gh`, '--identity', 'animine.sec']
    await refused(download, { code: 10, error: /run_12\/missing\.c4gh/ })
    const folder = ['download', `s3://${BUCKET}/run_99/`, 'run_99/', '--identity', 'animine.sec']
    await refused(folder, { code: 10, error: /run_99/ })
  })

  it('nothing to upload, or nobody to seal it for: nothing is stored', async () => {
    const target = `s3://${BUCKET}/refused/`
    await refused(['upload', 'missing.bam', target, '--to', 'animine.pub'], {
      code: 10,
      error: /missing\.bam/,
    })
    await refused(['upload', 'reads.fastq', target], { code: 2, error: /nobody/, hint: /--to/ })
    const notAKey = ['upload', 'reads.fastq', target, '--to', 'animine.pub', '--to', 'notes.txt']
    await refused(notAKey, { code: 2, error: /notes\.txt/ })
    expect(await statusOf('refused/reads.fastq.c4gh')).toBe(404)
  })

  it('an object that exists stays as it is without --force', async () => {
    const before = await stored(STORED)
    const upload = ['upload', 'other.fastq', `s3://${BUCKET}/${STORED}`, '--to', 'animine.pub']
    await refused(upload, { code: 14, error: /run_12\/reads\.fastq\.c4gh/, hint: /--force/ })
    expect((await stored(STORED)).equals(before)).toBe(true)
  })

  it('a local file that exists stays as it is without --force', async () => {
    const download = ['download', `s3://${BUCKET}/${STORED}`, 'other.fastq', '--identity', 'animine.sec']
    await refused(download, { code: 14, error: /other\.fastq/, hint: /--force/ })
    expect(await readFile(join(stage().group.home, 'other.fastq'), 'utf8')).toBe('other')
  })

  it('a wrong passphrase, and an identity the object was not sealed for', async () => {
    const download = ['download', `s3://${BUCKET}/${STORED}`, 'out.fastq', '--identity']
    await refused([...download, 'stranger.sec'], { code: 12, error: /identit|key/ })
    const wrong = { env: { C4GH_PASSPHRASE: 'not the passphrase' } }
    const run = await stage().group.sealift([...download, 'animine.sec'], wrong)
    expectFailure(run, { code: 12, error: /passphrase/ })
  })

  it('an object that is not Crypt4GH', async () => {
    await store('plain/notes.txt', Buffer.from('plain text, never sealed'))
    const download = ['download', `s3://${BUCKET}/plain/notes.txt`, 'out.txt', '--identity', 'animine.sec']
    await refused(download, { code: 13, error: /plain\/notes\.txt/, hint: /--no-decrypt/ })
  })

  it('a damaged object leaves no file, and the good ones beside it still arrive', async () => {
    const { group } = stage()
    const sealed = await stored(STORED)
    const damaged = Buffer.from(sealed)
    damaged[damaged.length - 1000]! ^= 1
    await store('mixed/damaged.fastq.c4gh', damaged)
    await store('mixed/good.fastq.c4gh', sealed)
    const identity = ['--identity', 'animine.sec']
    const one = ['download', `s3://${BUCKET}/mixed/damaged.fastq.c4gh`, 'out.fastq', ...identity]
    await refused(one, { code: 13, error: /mixed\/damaged\.fastq\.c4gh/ })

    const all = ['download', `s3://${BUCKET}/mixed/`, 'mixed/', ...identity]
    const run = await group.sealift(all, { env: PASSPHRASE })
    expectFailure(run, { code: 3, error: /damaged\.fastq/ })
    expect(await filesBelow(join(group.home, 'mixed'))).toEqual(['good.fastq'])
    const original = await readFile(join(group.home, 'reads.fastq'))
    expect((await readFile(join(group.home, 'mixed', 'good.fastq'))).equals(original)).toBe(true)
  })

  it('object keys that would leave the folder write nothing outside it', async () => {
    const { group } = stage()
    const sealed = await stored(STORED)
    for (const name of ['../escaped.c4gh', 'a/../../escaped.c4gh', '/etc/escaped.c4gh', '..\\escaped.c4gh']) {
      await store(`hostile/${name}`, sealed)
    }
    await mkdir(join(group.home, 'inbox'))
    const before = await filesBelow(group.home)
    const download = ['download', `s3://${BUCKET}/hostile/`, 'inbox/target/', '--identity', 'animine.sec']
    const run = await group.sealift(download, { env: PASSPHRASE })
    expect(run.code).not.toBe(0)
    expect(run.stderr).toMatch(/^error: .*hostile\//m)
    const outside = (await filesBelow(group.home)).filter((file) => !file.startsWith('inbox/target/'))
    expect(outside).toEqual(before)
  })
})
