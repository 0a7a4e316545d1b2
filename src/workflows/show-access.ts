import { aclEntries, policyEntries, type AccessEntry } from '../storage/access/access-entries.ts'
import type { Store } from '../storage/store.ts'
import { readSharing, type Mechanism, type Sharing } from './sharing.ts'

/** Who a bucket's policy and ACL let in. */
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
  const sharing = await readSharing(store, bucket, signal)
  const { ownerId, mechanism } = sharing
  return { bucket, ownerId, mechanism, access: accessEntries(sharing, new Date()) }
}

/** What a bucket's policy and its ACL say, one entry for each identity and grant. */
export function accessEntries({ bucket, provider, policy, acl }: Sharing, now: Date): AccessEntry[] {
  const { dialect } = provider
  return [...policyEntries(policy, bucket, now, dialect), ...aclEntries(acl, dialect)]
}
