import { aclEntries, policyEntries, type AccessEntry } from '../storage/access/access-entries.ts'
import type { Store } from '../storage/store.ts'
import { readSharing, type Mechanism } from './sharing.ts'

/** Who can do what with a bucket: the --json contract of `access show`. */
export interface ShowAccessResult {
  bucket: string
  /** Canonical id, as the server shows it. */
  ownerId: string
  mechanism: Mechanism
  access: AccessEntry[]
}

/** Reads a bucket's policy and ACL. Throws UNSUPPORTED where the server ignores both. */
export async function showAccess(
  store: Store,
  { bucket }: { bucket: string },
  signal?: AbortSignal,
): Promise<ShowAccessResult> {
  const { ownerId, mechanism, policy, acl } = await readSharing(store, bucket, signal)
  return {
    bucket,
    ownerId,
    mechanism,
    access: [...policyEntries(policy, bucket, new Date()), ...aclEntries(acl)],
  }
}
