import type { Store } from '../storage/store.ts'
import { type Finding, findingsOf } from './bucket-findings-list.ts'
import { objectFindings, type ObjectFindings } from './bucket-findings-objects.ts'
import type { KnownHere } from './bucket-findings-known.ts'
import { recognition, type ShownAccess, type Whom } from './bucket-findings-people.ts'
import { uploadFindings, type UploadFindings } from './bucket-findings-uploads.ts'
import { accessEntries } from './show-access.ts'
import { readSharing, type Mechanism } from './sharing.ts'

/** Everything that one bucket says about access: the --json contract of `access show`, a part of that of `access audit`. */
export interface BucketFindings {
  bucket: string
  /** Canonical id, as the server shows it. */
  ownerId: string
  /** The same as a typed identity, with its name in the address book. */
  owner: Whom
  /** What kind of server it is: `ceph`, `aws` and so on. */
  provider: string
  mechanism: Mechanism
  /** By policy and by the bucket's ACL. */
  access: ShownAccess[]
  /** By the objects' ACLs; absent when they were not asked for. */
  objects?: ObjectFindings
  uploads: UploadFindings
  /** What should not go unnoticed. */
  findings: Finding[]
}

export interface FindingsRequest {
  bucket: string
  /** Looks at each object's ACL as well: one request per object. */
  withObjects: boolean
  known: KnownHere
  /** Told after each object. */
  onLooked?: (() => void) | undefined
}

/**
 * Reads who can do what with a bucket: policy, ACL, unfinished uploads, and the ACL of every object when asked to; nothing
 * is changed. Memory does not grow with the number of objects.
 *
 * @throws AppError UNSUPPORTED where the server ignores grants; StorageError
 */
export async function bucketFindings(
  store: Store,
  { bucket, withObjects, known, onLooked }: FindingsRequest,
  signal?: AbortSignal,
): Promise<BucketFindings> {
  const sharing = await readSharing(store, bucket, signal)
  const { ownerId, provider, mechanism } = sharing
  const { projects, ownUploadIds } = known
  const events = known.events.filter((event) => event.bucket === bucket)
  const recognised = recognition(sharing, { projects, events })
  const access = accessEntries(sharing, new Date()).map((entry) => recognised.ofAccess(entry))
  const uploads = await uploadFindings(store, sharing, { recognised, ownUploadIds }, signal)
  const objects = withObjects
    ? await objectFindings(store, sharing, recognised, { onLooked, signal })
    : undefined
  return {
    bucket,
    ownerId,
    owner: recognised.owner,
    provider: provider.name,
    mechanism,
    access,
    ...(objects === undefined ? {} : { objects }),
    uploads,
    findings: findingsOf({ access, objects, uploads }, provider),
  }
}
