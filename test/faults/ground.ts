import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { generateKeyPair } from '../../src/crypto/keys/key-pair.ts'
import type { BackendPlan } from '../support/backends.ts'
import { storeAt } from './campaign.ts'
import type { Upstream } from './campaign.ts'
import type { Ground } from './play.ts'

/** A server for a campaign, with an empty bucket and a folder. */
export interface Site {
  upstream: Upstream
  ground: Ground
  close: () => Promise<void>
}

export async function openSite(plan: BackendPlan): Promise<Site> {
  const backend = await plan.start()
  const { accessKeyId, secretAccessKey } = backend.projects.group
  const upstream = { endpoint: backend.endpoint, accessKeyId, secretAccessKey }
  const folder = await mkdtemp(join(tmpdir(), 'sealift-faults-'))
  const plainStore = storeAt(upstream, {}, 60)
  const bucket = 'animine-data-faults'
  await plainStore.createBucket(bucket)
  return {
    upstream,
    ground: { bucket, folder, plainStore, reader: await generateKeyPair() },
    async close() {
      plainStore.close()
      await backend.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
