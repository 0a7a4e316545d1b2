import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'

import type { CliRun } from '../support/cli.ts'
import { openImportBucket, PASSPHRASE } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'

const BUCKET = 'animine-data-import-9'
const MIB = 1024 ** 2
const RUN = `s3://${BUCKET}/run_12/`

onEveryBackend('a delivery that is verified where it is', (stage) => {
  const verify = (...args: string[]): Promise<CliRun> =>
    stage().group.sealift(['verify', ...args], { env: PASSPHRASE })
  const withKey = (...args: string[]): Promise<CliRun> => verify(...args, '--identity', 'animine.sec')
  const bytesOf = async (Key: string): Promise<Buffer> => {
    const { Body } = await stage().group.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }))
    return Buffer.from(await Body!.transformToByteArray())
  }
  const put = async (Key: string, Body: Buffer): Promise<void> => {
    await stage().group.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }))
  }
  /** As other tools upload: parts of whole MiB. */
  const putInParts = async (Key: string, object: Buffer, partSize: number): Promise<void> => {
    const { s3 } = stage().group
    const place = { Bucket: BUCKET, Key }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(place))
    const Parts = []
    for (let at = 0, PartNumber = 1; at < object.length; at += partSize, PartNumber += 1) {
      const Body = object.subarray(at, at + partSize)
      const { ETag } = await s3.send(new UploadPartCommand({ ...place, UploadId, PartNumber, Body }))
      Parts.push({ ETag, PartNumber })
    }
    await s3.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }))
  }

  beforeAll(async () => {
    const { backend, group, producer } = stage()
    await openImportBucket(group, producer, BUCKET)
    await writeFile(join(producer.home, 'reads.bam'), randomBytes(20 * MIB + 5))
    await writeFile(join(producer.home, 'reads.bai'), randomBytes(70_000))
    const place = `s3://${backend.bucketAddress(BUCKET)}/run_12/`
    const uploaded = await producer.sealift([
      'upload',
      'reads.bam',
      'reads.bai',
      place,
      '--to-bucket-keys',
      '--log',
      'upload.log',
      '--json',
    ])
    expect(uploaded.code).toBe(0)
    const sums = await Promise.all(
      ['reads.bam', 'reads.bai'].map(async (name) => {
        const hash = createHash('sha256').update(await readFile(join(producer.home, name)))
        return `${hash.digest('hex')}  ${name}\n`
      }),
    )
    await writeFile(join(group.home, 'upload.json'), uploaded.stdout)
    await writeFile(join(group.home, 'upload.log'), await readFile(join(producer.home, 'upload.log')))
    await writeFile(join(group.home, 'run_12.sha256'), sums.join(''))
  })

  it('is whole, with a key and without', async () => {
    const before = await readdir(stage().group.home)
    for (const run of [await verify(RUN), await withKey(RUN)]) {
      expect(run).toMatchObject({ code: 0, stderr: '' })
      expect(run.stdout).toMatch(/run_12\/: 2 objects, 2 whole\n/)
    }
    const one = await withKey(`${RUN}reads.bam.c4gh`)
    expect(one.stdout).toMatch(/reads\.bam\.c4gh is whole: 321 segments authenticated, 20 MiB of plaintext\n/)
    expect(one.stdout).toMatch(/ETag +matches, 2 parts\n/)
    expect(await readdir(stage().group.home)).toEqual(before)
  })

  it.each(['run_12.sha256', 'upload.json', 'upload.log'])(
    'has the content that %s tells of',
    async (list) => {
      const run = await withKey(RUN, '--sha256', list, '--json')
      expect(run.code).toBe(0)
      const { objects } = JSON.parse(run.stdout) as { objects: unknown[] }
      expect(objects).toMatchObject([{ recorded: 'matches' }, { recorded: 'matches' }])
    },
  )

  it('is found to be another content, where the list says so', async () => {
    const wrong = `${'0'.repeat(64)}  reads.bam\n`
    await writeFile(join(stage().group.home, 'wrong.sha256'), wrong)
    expectFailure(await withKey(RUN, '--sha256', 'wrong.sha256'), {
      code: 13,
      error: /reads\.bam\.c4gh: its plaintext has the SHA-256 [0-9a-f]{64}, recorded is 0{64}/,
      hint: /1 of 2 objects are whole/,
    })
  })

  it('can be told from one that another tool sent in its own parts', async () => {
    await putInParts('copied/reads.bam.c4gh', await bytesOf('run_12/reads.bam.c4gh'), 5 * MIB)
    const run = await verify(`s3://${BUCKET}/copied/`, '--json')
    expect(run.code).toBe(0)
    expect(JSON.parse(run.stdout)).toMatchObject({
      objects: [{ outcome: 'whole', etag: 'matches', parts: 5 }],
    })
  })

  it('with a damaged object ends with 13, and names its first bad bytes', async () => {
    const object = await bytesOf('run_12/reads.bai.c4gh')
    object[124 + 65_564 + 99]! ^= 1
    await put('damaged/reads.bai.c4gh', object)
    await put('damaged/whole.c4gh', await bytesOf('run_12/reads.bai.c4gh'))
    const run = await withKey(`s3://${BUCKET}/damaged/`, '--report', 'report.json')
    expectFailure(run, {
      code: 13,
      error: new RegExp(
        `damaged/reads\\.bai\\.c4gh: 1 of 2 segments are damaged .* first bad bytes are 65688 to ${object.length - 1} of the object, plaintext from 65536 on`,
      ),
      hint: /1 of 2 objects are whole/,
    })
    const report = join(stage().group.home, 'report.json')
    expect((await stat(report)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({ counts: { whole: 1, damaged: 1 } })
    const json = await withKey(`s3://${BUCKET}/damaged/`, '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: { code: 'AUTHENTICATION_FAILED' },
      result: { objects: [{ outcome: 'damaged', firstBad: { first: 65_688 } }, { outcome: 'whole' }] },
    })
  })

  it('with something unencrypted fails in part', async () => {
    await put('mixed/readme.txt', Buffer.from('nothing secret'))
    await put('mixed/reads.c4gh', await bytesOf('run_12/reads.bai.c4gh'))
    expectFailure(await withKey(`s3://${BUCKET}/mixed/`), {
      code: 3,
      error: /readme\.txt.*not a Crypt4GH file/,
    })
    expectFailure(await verify(`s3://${BUCKET}/mixed/readme.txt`), { code: 13, error: /readme\.txt/ })
  })

  it('for somebody else is looked at as far as that goes', async () => {
    const { group } = stage()
    await group.json(['key', 'generate', 'other'], { env: PASSPHRASE })
    expectFailure(await verify(`${RUN}reads.bai.c4gh`, '--identity', 'other.sec'), {
      code: 12,
      error: /no identity opens/,
    })
  })

  it('by its headers alone proves nothing, and takes no time', async () => {
    const run = await withKey(RUN, '--headers-only')
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/2 objects, 2 not proven whole\nread only their headers/)
  })
})
