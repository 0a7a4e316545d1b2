import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe } from 'vitest'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { serializePublicKey } from '../../../src/crypto/keys/public-key-file.ts'
import { parseGrantee } from '../../../src/storage/access/grantee.ts'
import { createS3Store } from '../../../src/storage/s3/s3-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import type { KnownProject } from '../../../src/workflows/sharing.ts'
import { backends, type Backend, type Project } from '../../support/backends.ts'
import { s3Client } from '../../support/s3.ts'

/** Somebody with credentials: through our store, and through a plain client that sends what we never would. */
export interface Player {
  store: Store
  s3: S3Client
  project: KnownProject
}

export interface Stage {
  endpoint: string
  group: Player
  producer: Player
  outsider: Player
  /** A bucket name that no other test uses. */
  newBucket: () => string
  /** How others than the group address it. */
  address: (bucket: string) => string
  /** A folder for key files and books. */
  folder: string
  /** Writes a fresh public key file and gives its path. */
  newKeyFile: (name: string) => Promise<string>
}

/** Runs the tests on every server that this machine has; the reason stands in the title where it has not. */
export function onEveryStore(title: string, tests: (stage: () => Stage) => void): void {
  for (const { name, skipped, start } of backends()) {
    describe.skipIf(skipped !== undefined)(
      `${title} (${name}${skipped === undefined ? '' : `; ${skipped}`})`,
      () => {
        let backend: Backend | undefined
        let stage: Stage | undefined
        beforeAll(async () => {
          backend = await start()
          stage = await stageOf(backend)
        })
        afterAll(async () => {
          for (const { store, s3 } of [stage?.group, stage?.producer, stage?.outsider].filter(
            (one) => one !== undefined,
          )) {
            store.close()
            s3.destroy()
          }
          if (stage !== undefined) await rm(stage.folder, { recursive: true, force: true })
          await backend?.close()
        })
        tests(() => stage!)
      },
    )
  }
}

async function stageOf(backend: Backend): Promise<Stage> {
  const { endpoint, projects } = backend
  const folder = await mkdtemp(join(tmpdir(), 'sealift-access-'))
  const player = (project: Project): Player => ({
    store: createS3Store({ endpoint, credentials: project }),
    s3: s3Client(endpoint, project),
    project: { name: project.name, grantee: parseGrantee(project.identity) },
  })
  let buckets = 0
  return {
    endpoint,
    group: player(projects.group),
    producer: player(projects.producer),
    outsider: player(projects.outsider),
    newBucket: () => `inbox-${++buckets}-${process.pid}`,
    address: (bucket) => backend.bucketAddress(bucket),
    folder,
    async newKeyFile(name) {
      const file = join(folder, name)
      await writeFile(file, serializePublicKey((await generateKeyPair()).publicKey))
      return file
    },
  }
}
