import type { Credentials } from '../../src/storage/s3/connection.ts'
import type { ProviderName } from '../../src/storage/provider/provider.ts'
import { createS3Store } from '../../src/storage/s3/s3-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { withRetry } from '../../src/storage/with-retry.ts'
import type { Backend, Project } from '../support/backends.ts'
import type { Parties, Party } from './parties.ts'

/** Some tests provoke failures that are worth a retry. */
const QUICK = { attempts: 3, baseDelay: 0.05 }

type Caller = Credentials & { canonicalId: string }

/** A running server and three of its callers. */
export interface Server {
  endpoint: string
  owner: Caller
  grantee: Caller
  outsider: Caller
  address: (bucket: string) => string
  close: () => Promise<void>
}

/** The parties of the suite at a server that the stories use: the group owns, the producer is let in. */
export async function partiesAt(start: () => Promise<Backend>): Promise<Parties> {
  const backend = await start()
  const { group, producer, outsider } = backend.projects
  const caller = (project: Project): Caller => callerOf(project, backend.provider)
  return partiesOf({
    endpoint: backend.endpoint,
    owner: caller(group),
    grantee: caller(producer),
    outsider: caller(outsider),
    address: (bucket) => backend.bucketAddress(bucket),
    close: backend.close,
  })
}

/** The parties of the suite at any S3 server. */
export function partiesOf(server: Server): Parties {
  const stores: Store[] = []
  const connect = (credentials: Credentials | 'anonymous'): Store => {
    const store = withRetry(createS3Store({ endpoint: server.endpoint, credentials }), { policy: QUICK })
    stores.push(store)
    return store
  }
  const party = (caller: Caller): Party => ({
    store: connect(caller),
    canonicalId: caller.canonicalId,
    principal: principalOf(caller.canonicalId),
  })
  return {
    owner: party(server.owner),
    grantee: party(server.grantee),
    outsider: party(server.outsider),
    anonymous: connect('anonymous'),
    impostor: connect({ ...server.owner, secretAccessKey: 'not the secret key' }),
    address: server.address,
    close: async () => {
      for (const store of stores) store.close()
      await server.close()
    },
  }
}

function callerOf({ accessKeyId, secretAccessKey, identity }: Project, provider: ProviderName): Caller {
  // MinIO's objects have no owner of their own.
  const canonicalId = provider === 'minio' ? '' : identity.replace(/^(rgw|access-key):/, '')
  return { accessKeyId, secretAccessKey, canonicalId }
}

/** `tenant$uid` as policies name it. */
function principalOf(canonicalId: string): string {
  const at = canonicalId.indexOf('$')
  return `arn:aws:iam::${canonicalId.slice(0, Math.max(0, at))}:user/${canonicalId.slice(at + 1)}`
}
