import { canonicalIdOf } from '../../../src/storage/access/principal.ts'
import { createS3Store } from '../../../src/storage/s3/s3-store.ts'
import type { SecondCaller } from '../../../src/workflows/second-caller.ts'
import type { Player } from './stage.ts'

/** A player as commands see the owner of a profile. */
export function callerOf({ store, project }: Player, name = project.name): SecondCaller {
  return { name, canonicalId: canonicalIdOf(project.grantee, 'rgw'), store, close: () => undefined }
}

export function anonymousAt(endpoint: string): SecondCaller {
  const store = createS3Store({ endpoint, credentials: 'anonymous' })
  return {
    name: 'anonymous',
    canonicalId: undefined,
    store,
    close: () => {
      store.close()
    },
  }
}
