import { GetObjectCommand } from '@aws-sdk/client-s3'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { PASSPHRASE } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { filesBelow, sequencingRun, sha256Tree, writeTree } from '../support/files.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'

const BUCKET = 'animine-data-import-1'

/** Bytes of a header for the two recipients: 16, and a packet of 108 for each (Crypt4GH 1.0 §2.2). */
const HEADER_SIZE = 16 + 2 * 108

onEveryBackend('open, deliver, prove, close', (stage) => {
  let fingerprint = ''

  it('the group makes a key pair that only its owner can read', async () => {
    const { group } = stage()
    const run = await group.sealift(['key', 'generate', 'animine'], { env: PASSPHRASE })
    expect(run).toMatchObject({ code: 0 })
    fingerprint = /SHA256:[A-Za-z0-9+/]{43}/.exec(run.stdout)?.[0] ?? ''
    expect(fingerprint).not.toBe('')
    expect((await stat(join(group.home, 'animine.sec'))).mode & 0o777).toBe(0o600)
  })

  it('the group opens a bucket for the producer', async () => {
    const { group, producer } = stage()
    const { name, identity } = producer.project
    expect(await group.sealift(['project', 'add', name, identity])).toMatchObject({ code: 0 })
    const run = await group.sealift([
      'bucket',
      'open',
      BUCKET,
      '--for',
      name,
      '--key',
      'animine.pub',
      '--until',
      '14d',
    ])
    expect(run).toMatchObject({ code: 0 })
    const shown = await group.sealift(['bucket', 'show', BUCKET])
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.stdout).toContain(fingerprint)
  })

  it('the producer delivers a run, sealed for the key it finds in the bucket', async () => {
    const { backend, producer } = stage()
    await writeTree(join(producer.home, 'run_12'), sequencingRun())
    const target = `s3://${backend.bucketAddress(BUCKET)}/run_12/`
    const run = await producer.sealift(['upload', 'run_12/', target, '--to-bucket-keys', '--to', '@csc-sd'])
    expect(run).toMatchObject({ code: 0 })
    expect(run.stdout + run.stderr).toContain(fingerprint)
  })

  it('the group sees what arrived', async () => {
    const { group, producer } = stage()
    const run = await group.sealift(['ls', `s3://${BUCKET}/run_12/`])
    expect(run).toMatchObject({ code: 0 })
    for (const file of await filesBelow(join(producer.home, 'run_12'))) {
      expect(run.stdout).toContain(`run_12/${file}.c4gh`)
    }
  })

  it('what is stored is Crypt4GH for two readers and no plaintext', async () => {
    const { group } = stage()
    const Key = 'run_12/Reports/näyte 1+2.txt.c4gh'
    const { Body } = await group.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }))
    const stored = Buffer.from(await Body!.transformToByteArray())
    expect(stored.subarray(0, 8).toString('latin1')).toBe('crypt4gh')
    expect(stored.length).toBe(HEADER_SIZE + 28 + 'lane 1: 2 samples\n'.length)
    expect(stored.includes('samples')).toBe(false)
  })

  it('the group shuts the producer out, and that is proven', async () => {
    const { backend, group, producer } = stage()
    const revoked = await group.sealift(['access', 'revoke', BUCKET, '--project', producer.project.name])
    expect(revoked).toMatchObject({ code: 0 })
    const shown = await group.sealift(['access', 'show', BUCKET])
    expect(shown).toMatchObject({ code: 0 })
    expect(linesAbout(producer.project.identity, shown.stdout)).toEqual([expect.stringMatching(/ blocked\b/)])

    const target = `s3://${backend.bucketAddress(BUCKET)}/run_13/`
    const late = await producer.sealift(['upload', 'run_12/Reports/', target, '--to', '@csc-sd'])
    expectFailure(late, { code: 11, error: /denied/ })
  })

  it('the group downloads and decrypts the same bytes', async () => {
    const { group, producer } = stage()
    const source = `s3://${BUCKET}/run_12/`
    const run = await group.sealift(['download', source, 'run_12/', '--identity', 'animine.sec'], {
      env: PASSPHRASE,
    })
    expect(run).toMatchObject({ code: 0 })
    const delivered = await sha256Tree(join(producer.home, 'run_12'))
    expect(Object.keys(delivered)).toHaveLength(4)
    expect(await sha256Tree(join(group.home, 'run_12'))).toEqual(delivered)
  })

  it('closing keeps the data, and deletes nothing unless asked', async () => {
    const { group } = stage()
    expect(await group.sealift(['bucket', 'close', BUCKET])).toMatchObject({ code: 0 })
    const kept = await group.sealift(['ls', `s3://${BUCKET}/run_12/`])
    expect(kept.stdout).toContain('run_12/sample_R1.fastq.c4gh')
    const refused = await group.sealift(['bucket', 'close', BUCKET, '--delete-bucket'])
    expectFailure(refused, { code: 14, error: /not deleted: it holds objects/ })
  })
})

function linesAbout(identity: string, output: string): string[] {
  return output.split('\n').filter((line) => line.includes(identity))
}
