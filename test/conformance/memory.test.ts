import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { MemoryWorld } from '../../src/storage/memory-world.ts'
import { objectStoreConformance } from './object-store.ts'
import type { Party } from './parties.ts'

objectStoreConformance('memory', async () => {
  const world = new MemoryWorld()
  const party = (ownerId: string): Party => ({
    store: createMemoryStore({ ownerId, world }),
    canonicalId: ownerId,
    principal: `arn:aws:iam:::user/${ownerId}`,
  })
  return {
    owner: party('project_2000222'),
    grantee: party('project_2000111'),
    outsider: party('project_2000333'),
    address: (bucket) => bucket,
    close: async () => undefined,
  }
})
