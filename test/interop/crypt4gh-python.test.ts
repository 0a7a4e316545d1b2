import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { backends } from '../support/backends.ts'
import type { Backend } from '../support/backends.ts'
import { createCast, PASSPHRASE } from '../support/cast.ts'
import type { Cast } from '../support/cast.ts'
import { findProgram, missing } from '../support/requirements.ts'

const BUCKET = 'interop-crypt4gh-python'
const passphrase = PASSPHRASE.C4GH_PASSPHRASE

/** Several segments, several parts, and a last segment that is short. */
const PLAINTEXT = randomBytes(12_345_678)

const skipped = missing('crypt4gh-python')

describe.skipIf(skipped !== undefined)(
  `the reference crypt4gh (Python)${skipped ? `; ${skipped}` : ''}`,
  () => {
    for (const plan of backends()) {
      describe.skipIf(plan.skipped !== undefined)(`on ${plan.name}`, () => {
        let backend: Backend
        let cast: Cast

        beforeAll(async () => {
          backend = await plan.start()
          cast = await createCast(backend)
          const { group } = cast
          await group.json(['project', 'add', cast.producer.project.name, cast.producer.project.identity])
          await group.json(['key', 'generate', 'ours'], { env: PASSPHRASE })
          await group.json(['key', 'generate', 'open', '--no-passphrase'])
          keygen(group.home, 'theirs', passphrase)
          keygen(group.home, 'bare')
          await writeFile(join(group.home, 'reads.bam'), PLAINTEXT)
          const to = ['--for', cast.producer.project.name]
          await group.json(['bucket', 'open', BUCKET, ...to, '--key', 'ours.pub', '--key', 'theirs.pub'])
        })
        afterAll(async () => {
          await cast.leave()
          await backend.close()
        })

        it('decrypts what upload stored, with each of the readers, whoever made the key', async () => {
          const { group } = cast
          const recipients = ['ours', 'open', 'theirs', 'bare'].flatMap((name) => ['--to', `${name}.pub`])
          await group.json(['upload', 'reads.bam', `s3://${BUCKET}/group/`, ...recipients])
          const stored = await download('group/reads.bam.c4gh')
          for (const name of ['ours', 'open', 'theirs', 'bare']) {
            const opened = crypt4gh(group.home, ['decrypt', '--sk', `${name}.sec`], stored)
            expect(opened.equals(PLAINTEXT), name).toBe(true)
          }
        })

        it('decrypts what another project delivered for the keys it found in the bucket', async () => {
          const { group, producer } = cast
          await writeFile(join(producer.home, 'reads.bam'), PLAINTEXT)
          const target = `s3://${backend.bucketAddress(BUCKET)}/run/`
          await producer.json(['upload', 'reads.bam', target, '--to-bucket-keys'])
          const stored = await download('run/reads.bam.c4gh')
          for (const name of ['ours', 'theirs']) {
            const opened = crypt4gh(group.home, ['decrypt', '--sk', `${name}.sec`], stored)
            expect(opened.equals(PLAINTEXT), name).toBe(true)
          }
        })

        it('encrypts what download then opens, with each of the readers', async () => {
          const { group } = cast
          const recipients = ['ours', 'theirs', 'bare'].flatMap((name) => ['--recipient_pk', `${name}.pub`])
          const sealed = crypt4gh(group.home, ['encrypt', '--sk', 'theirs.sec', ...recipients], PLAINTEXT)
          const Key = 'theirs/reads.bam.c4gh'
          await group.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: sealed }))
          for (const name of ['ours', 'theirs', 'bare']) {
            const args = ['download', `s3://${BUCKET}/${Key}`, `${name}.bam`, '--identity', `${name}.sec`]
            await group.json(args, { env: PASSPHRASE })
            expect((await readFile(join(group.home, `${name}.bam`))).equals(PLAINTEXT), name).toBe(true)
          }
        })

        it('reads its own and our local files both ways, empty ones too', async () => {
          const { group } = cast
          for (const plaintext of [
            Buffer.alloc(0),
            PLAINTEXT.subarray(0, 65_536),
            PLAINTEXT.subarray(0, 65_537),
          ]) {
            const ours = await group.sealift(['encrypt', '-', '--to', 'theirs.pub'], { input: plaintext })
            expect(ours).toMatchObject({ code: 0 })
            const opened = crypt4gh(group.home, ['decrypt', '--sk', 'theirs.sec'], ours.stdoutBytes)
            expect(opened.equals(plaintext)).toBe(true)

            const theirs = crypt4gh(group.home, ['encrypt', '--recipient_pk', 'ours.pub'], plaintext)
            const options = { input: theirs, env: PASSPHRASE }
            const decrypted = await group.sealift(['decrypt', '-', '--identity', 'ours.sec'], options)
            expect(decrypted).toMatchObject({ code: 0 })
            expect(decrypted.stdoutBytes.equals(plaintext)).toBe(true)
          }
        })

        async function download(Key: string): Promise<Buffer> {
          const { Body } = await cast.group.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }))
          return Buffer.from(await Body!.transformToByteArray())
        }
      })
    }
  },
)

/** Runs the reference tool from standard input to standard output. */
function crypt4gh(home: string, args: string[], input: Uint8Array): Buffer {
  return runPeer('crypt4gh', home, args, input)
}

/** Lets the reference tool make NAME.sec and NAME.pub; it asks for a passphrase twice unless told not to. */
function keygen(home: string, name: string, secret?: string): void {
  const args = ['--sk', `${name}.sec`, '--pk', `${name}.pub`, ...(secret === undefined ? ['--nocrypt'] : [])]
  runPeer('crypt4gh-keygen', home, args, Buffer.from(secret === undefined ? '' : `${secret}\n${secret}\n`))
}

function runPeer(program: string, home: string, args: string[], input: Uint8Array): Buffer {
  // setsid: without a terminal of its own, crypt4gh-keygen reads the passphrase from standard input.
  const env = { PATH: process.env['PATH'], HOME: home, ...PASSPHRASE }
  const command = ['--wait', findProgram(program)!, ...args]
  const run = spawnSync('setsid', command, { cwd: home, env, input, maxBuffer: 64 * 1024 ** 2 })
  if (run.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${run.stderr.toString()}`)
  return run.stdout
}
