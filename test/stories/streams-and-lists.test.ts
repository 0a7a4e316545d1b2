import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { beforeAll, expect, it } from 'vitest'

import { openImportBucket, PASSPHRASE } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { sha256Tree, writeTree } from '../support/files.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'

const BUCKET = 'animine-data-import-4'

/** More than one part. */
const STREAM = randomBytes(20_000_000)

onEveryBackend('streams, archives and lists', (stage) => {
  let bucketUrl = ''

  beforeAll(async () => {
    const { backend, group, producer } = stage()
    bucketUrl = `s3://${backend.bucketAddress(BUCKET)}`
    await openImportBucket(group, producer, BUCKET)
  })

  /** What the group gets of an object. */
  async function received(objectKey: string): Promise<Buffer> {
    const { group } = stage()
    const args = ['download', `s3://${BUCKET}/${objectKey}`, 'received', '-i', 'animine.sec', '--force']
    await group.json(args, { env: PASSPHRASE })
    return readFile(join(group.home, 'received'))
  }

  async function objectKeys(prefix: string): Promise<(string | undefined)[]> {
    const { Contents = [] } = await stage().group.s3.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix: prefix }),
    )
    return Contents.map(({ Key }) => Key)
  }

  it('the producer pipes what no file holds, and the group reads it', async () => {
    const { producer } = stage()
    const args = ['upload', '-', `${bucketUrl}/piped/reads.c4gh`, '--to-bucket-keys', '--md5']
    const sent = await producer.json([...args, '--part-size', '5MiB'], { input: STREAM })
    expect(sent).toMatchObject({
      bytes: STREAM.length,
      objects: [
        {
          source: '-',
          parts: 4,
          sha256: createHash('sha256').update(STREAM).digest('hex'),
          md5: createHash('md5').update(STREAM).digest('hex'),
        },
      ],
    })
    expect((await received('piped/reads.c4gh')).equals(STREAM)).toBe(true)
    await producer.json(['upload', '-', `${bucketUrl}/piped/empty.c4gh`, '--to-bucket-keys'])
    expect((await received('piped/empty.c4gh')).length).toBe(0)
  })

  it('a pipe that is interrupted leaves nothing in the bucket', async () => {
    const { producer, group } = stage()
    const args = ['upload', '-', `${bucketUrl}/half.c4gh`, '--to-bucket-keys', '--progress', 'json']
    const running = producer.start(args, { input: STREAM, inputGoesOn: true })
    const begun = async (): Promise<(string | undefined)[]> => {
      const { Uploads = [] } = await group.s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))
      return Uploads.map(({ Key }) => Key)
    }
    // The list may show the upload before its id has reached the command: that one must be removed as well.
    await expect.poll(begun, { timeout: 20_000, interval: 5 }).toEqual(['half.c4gh'])
    running.kill('SIGINT')
    expectFailure(await running.ended, {
      code: 130,
      error: /interrupted/,
      hint: /nothing of it was kept/,
    })
    expect(await begun()).toEqual([])
    expect(await objectKeys('half')).toEqual([])
  })

  it('a folder becomes one archive, which the group unpacks', async () => {
    const { producer, group } = stage()
    await writeTree(producer.home, {
      'run_12/lane 1/reads': randomBytes(9_000_000),
      'run_12/näyte.txt': Buffer.from('x'),
      'run_12/empty': new Uint8Array(),
    })
    const args = ['upload', 'run_12', `${bucketUrl}/run_12.tar.c4gh`, '--tar', '--to-bucket-keys']
    await producer.json(args)
    await mkdir(join(group.home, 'unpacked'))
    const input = await received('run_12.tar.c4gh')
    execFileSync('tar', ['-xf', '-', '-C', join(group.home, 'unpacked')], { input })
    expect(await sha256Tree(join(group.home, 'unpacked', 'run_12'))).toEqual(
      await sha256Tree(join(producer.home, 'run_12')),
    )
  })

  it('a list and patterns say what is delivered, and what is left out is said', async () => {
    const { producer } = stage()
    await writeTree(producer.home, {
      'a.bam': Buffer.from('a'),
      'lane/b.bam': Buffer.from('b'),
      'lane/tmp/c.bam': Buffer.from('c'),
      'two\nlines.bam': Buffer.from('d'),
      'notes.txt': Buffer.from('e'),
    })
    await symlink('b.bam', join(producer.home, 'lane', 'link.bam'))
    const to = [`${bucketUrl}/listed/`, '--to-bucket-keys', '--exclude', 'tmp', '--include', '*.bam']
    const run = await producer.sealift(['upload', 'a.bam', ...to, '--files-from0', '-', '--links', 'skip'], {
      input: Buffer.from('lane\0two\nlines.bam\0notes.txt\0'),
    })
    expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 })
    expect(run.stderr).toMatch(/lane\/link\.bam/)
    expect(await objectKeys('listed/')).toEqual([
      'listed/a.bam.c4gh',
      'listed/lane/b.bam.c4gh',
      'listed/two\nlines.bam.c4gh',
    ])
    expectFailure(
      await producer.sealift(['upload', 'a.bam', ...to, '--files-from', '-'], {
        input: Buffer.from('../up\n'),
      }),
      {
        code: 2,
        error: /\.\.\/up/,
      },
    )
  })
})
