import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { mkdir, rm, writeFile } from 'node:fs/promises'

import { sha256 } from '../test/support/files.ts'
import { s3Client } from '../test/support/s3.ts'
import { expectSame } from './local-scenarios.ts'
import { measure } from './measure.ts'
import type { Command } from './measure.ts'
import type { Scenario, Subject } from './scenario.ts'
import { hasPeer, peerCommand, sealiftCommand, writeRandomFile } from './workplace.ts'
import type { Workplace } from './workplace.ts'

export interface StoreAccess {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
}

const BUCKET = 'bench'

/** What rclone was found fastest with; its own defaults send parts of 5 MiB. */
const RCLONE_UPLOAD = ['--s3-chunk-size', '16M', '--s3-upload-concurrency', '8']

/** Encrypted upload and download beside plain copies of the same file, and beside encrypting first. */
export async function storeScenarios(
  workplace: Workplace,
  store: StoreAccess,
  size: number,
): Promise<Scenario[]> {
  const { folder, path } = workplace
  const env = await configure(workplace, store)
  await writeRandomFile(path('plain'), size)
  const expected = await sha256(path('plain'))
  const sealift = (...args: string[]): Command => sealiftCommand(folder, args, env)
  const aws = (...args: string[]): Command => peerCommand('aws', folder, args, { env })
  await measure(sealift('key', 'generate', 'bench', '--no-passphrase', '--force'))
  const client = s3Client(store.endpoint, store)
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
  client.destroy()

  const upload: Subject[] = [
    {
      name: 'sealift upload, encrypted',
      commands: (run) => [sealift('upload', 'plain', `s3://${BUCKET}/ours-${run}.c4gh`, '--to', 'bench.pub')],
    },
  ]
  const download: Subject[] = [
    {
      name: 'sealift download, decrypted',
      commands: () => [
        sealift('download', `s3://${BUCKET}/ours-0.c4gh`, 'received', '--identity', 'bench.sec'),
      ],
      check: received,
    },
  ]
  if (hasPeer('crypt4gh') && hasPeer('aws')) {
    upload.push({
      name: 'crypt4gh encrypt, then aws s3 cp',
      commands: (run) => [
        peerCommand('crypt4gh', folder, ['encrypt', '--recipient_pk', 'bench.pub'], {
          stdin: path('plain'),
          stdout: path('sealed'),
        }),
        aws('s3', 'cp', '--no-progress', 'sealed', `s3://${BUCKET}/two-step-${run}.c4gh`),
      ],
      check: () => rm(path('sealed')),
    })
    download.push({
      name: 'aws s3 cp, then crypt4gh decrypt',
      commands: () => [
        aws('s3', 'cp', '--no-progress', `s3://${BUCKET}/two-step-0.c4gh`, 'sealed'),
        peerCommand('crypt4gh', folder, ['decrypt', '--sk', 'bench.sec'], {
          stdin: path('sealed'),
          stdout: path('received'),
        }),
      ],
      async check() {
        await rm(path('sealed'))
        await received()
      },
    })
  }
  if (hasPeer('aws')) {
    upload.push({
      name: 'aws s3 cp, not encrypted',
      commands: (run) => [aws('s3', 'cp', '--no-progress', 'plain', `s3://${BUCKET}/aws-${run}`)],
    })
    download.push({
      name: 'aws s3 cp, not encrypted',
      commands: () => [aws('s3', 'cp', '--no-progress', `s3://${BUCKET}/aws-0`, 'received')],
      check: received,
    })
  }
  if (hasPeer('rclone')) {
    const copy = (...args: string[]): Command => peerCommand('rclone', folder, ['copyto', ...args], { env })
    upload.push({
      name: 'rclone copyto, not encrypted',
      commands: (run) => [copy(...RCLONE_UPLOAD, 'plain', `bench:${BUCKET}/rclone-${run}`)],
    })
    download.push({
      name: 'rclone copyto, not encrypted',
      commands: () => [copy(`bench:${BUCKET}/rclone-0`, 'received')],
      check: received,
    })
  }
  return [
    { title: 'upload to Ceph RGW', size, subjects: upload },
    { title: 'download from Ceph RGW', size, subjects: download },
  ]

  async function received(): Promise<void> {
    await expectSame(path('received'), expected)
    await rm(path('received'))
  }
}

/** Gives each program the endpoint and the credentials where it looks for them. */
async function configure({ folder, path }: Workplace, store: StoreAccess): Promise<Record<string, string>> {
  const { endpoint, accessKeyId, secretAccessKey } = store
  await mkdir(path('.aws'), { recursive: true })
  const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
  await writeFile(path('.aws', 'credentials'), `[default]\n${keys}`, { mode: 0o600 })
  // RGW 16 verifies no S3 checksum headers: computing them would only cost aws time.
  const checksums =
    'request_checksum_calculation = when_required\nresponse_checksum_validation = when_required\n'
  await writeFile(
    path('.aws', 'config'),
    `[default]\nregion = us-east-1\nendpoint_url = ${endpoint}\n${checksums}`,
  )
  return {
    HOME: folder,
    AWS_EC2_METADATA_DISABLED: 'true',
    RCLONE_CONFIG: path('rclone.conf'),
    RCLONE_CONFIG_BENCH_TYPE: 's3',
    RCLONE_CONFIG_BENCH_PROVIDER: 'Ceph',
    RCLONE_CONFIG_BENCH_ENDPOINT: endpoint,
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: accessKeyId,
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: secretAccessKey,
  }
}
