import { afterAll, beforeAll, describe } from 'vitest'

import { S3Client } from '@aws-sdk/client-s3'

import { parseGrantee } from '../../../src/storage/access/grantee.ts'
import type { Provider } from '../../../src/storage/provider/provider.ts'
import { providerNamed } from '../../../src/storage/provider/providers.ts'
import { createS3Store } from '../../../src/storage/s3/s3-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { withRetry } from '../../../src/storage/with-retry.ts'
import type { KnownProject } from '../../../src/workflows/sharing.ts'
import type { Backend, BackendPlan, Project } from '../../support/backends.ts'
import { s3Client } from '../../support/s3.ts'

/** Somebody with credentials: through our store, and through a plain client that sends what we never would. */
interface Player {
  store: Store
  s3: S3Client
  project: KnownProject
}

/** A server and everybody who may knock at a bucket there. */
export interface Stage {
  backend: Backend
  /** What the server is known to do. */
  provider: Provider
  group: Player
  producer: Player
  outsider: Player
  other: Player
  anonymous: S3Client
  /** A bucket name that no other test uses. */
  newBucket: () => string
  /** How everybody but the group addresses it. */
  address: (bucket: string) => string
}

/** Tells stories on servers; the reason stands in the title where one is not on this machine. */
export function onServers(
  title: string,
  plans: readonly BackendPlan[],
  stories: (stage: () => Stage, provider: Provider) => void,
): void {
  for (const { name, skipped, start, provider } of plans) {
    const reason = skipped === undefined ? '' : `; ${skipped}`
    describe.skipIf(skipped !== undefined)(`${title} (${name}${reason})`, () => {
      let stage: (Stage & { leave: () => Promise<void> }) | undefined
      beforeAll(async () => {
        stage = stageOf(await start())
      })
      afterAll(async () => {
        await stage?.leave()
      })
      stories(() => stage!, providerNamed(provider))
    })
  }
}

function stageOf(backend: Backend): Stage & { leave: () => Promise<void> } {
  const { endpoint, projects } = backend
  const player = (project: Project): Player => ({
    store: withRetry(createS3Store({ endpoint, credentials: project }), { policy: ONE_ATTEMPT }),
    s3: s3Client(endpoint, project),
    project: { name: project.name, grantee: parseGrantee(project.identity) },
  })
  const group = player(projects.group)
  const producer = player(projects.producer)
  const outsider = player(projects.outsider)
  const other = player(projects.other)
  const anonymous = unsignedClient(endpoint)
  let buckets = 0
  return {
    backend,
    provider: providerNamed(backend.provider),
    group,
    producer,
    outsider,
    other,
    anonymous,
    newBucket: () => `sharing-${++buckets}-${process.pid}`,
    address: (bucket) => backend.bucketAddress(bucket),
    async leave() {
      for (const { store, s3 } of [group, producer, outsider, other]) {
        store.close()
        s3.destroy()
      }
      anonymous.destroy()
      await backend.close()
    },
  }
}

/** What fails here fails for good. */
const ONE_ATTEMPT = { attempts: 1, baseDelay: 0.05 }

/** A client whose requests carry no signature. */
function unsignedClient(endpoint: string): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // The SDK asks for keys even when its signer does not use them.
    credentials: { accessKeyId: 'anonymous', secretAccessKey: 'anonymous' },
    signer: { sign: async (request) => request },
  })
}
