import { createS3Store } from '../../src/storage/s3/s3-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { withRetry } from '../../src/storage/with-retry.ts'
import type { Backend, Project } from '../support/backends.ts'
import type { Parties, Party } from './parties.ts'

/** Some tests provoke failures that are worth a retry. */
const QUICK = { attempts: 3, baseDelay: 0.05 }

/** The parties of the suite at a running server: the group owns, the producer is let in. */
export async function partiesAt(start: () => Promise<Backend>): Promise<Parties> {
  const backend = await start()
  const { endpoint } = backend
  const connect = (credentials: Parameters<typeof createS3Store>[0]['credentials']): Store =>
    withRetry(createS3Store({ endpoint, credentials }), { policy: QUICK })
  const party = (project: Project): Party => ({ store: connect(project), ...namesOf(project.identity) })
  const { group, producer, outsider } = backend.projects
  const { accessKeyId } = group
  const parties = {
    owner: party(group),
    grantee: party(producer),
    outsider: party(outsider),
    anonymous: connect('anonymous'),
    impostor: connect({ accessKeyId, secretAccessKey: 'not the secret key' }),
    address: backend.bucketAddress,
  }
  return {
    ...parties,
    close: async () => {
      const { owner, grantee, outsider, anonymous, impostor } = parties
      for (const store of [owner.store, grantee.store, outsider.store, anonymous, impostor]) store.close()
      await backend.close()
    },
  }
}

/** `rgw:tenant$uid` as ACLs and as policies name it. */
function namesOf(identity: string): { canonicalId: string; principal: string } {
  const canonicalId = identity.replace(/^rgw:/, '')
  const at = canonicalId.indexOf('$')
  const [tenant, uid] = at < 0 ? ['', canonicalId] : [canonicalId.slice(0, at), canonicalId.slice(at + 1)]
  return { canonicalId, principal: `arn:aws:iam::${tenant}:user/${uid}` }
}
