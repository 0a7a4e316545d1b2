import { isAwsCanonicalId, principalCovers, type Principal } from '../storage/access/principal.ts'
import type { UnfinishedUpload } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'

/** Whose unfinished uploads are looked for. */
export interface UploadOwners {
  bucketOwnerId: string
  /** Canonical ids of the projects, as far as their identities tell. */
  canonicalIds: ReadonlySet<string>
  principals: readonly Principal[]
  /** True when some project has no known canonical id: uploads of unknown ids may then be its own. */
  someIdUnknown: boolean
}

/**
 * - `theirs`: the server says so;
 * - `others`: the server says so;
 * - `unclear`: the server doesn't say. Ceph RGW 16.2 shows whoever asks as initiator and owner of every upload.
 */
export interface SortedUploads {
  theirs: UnfinishedUpload[]
  others: UnfinishedUpload[]
  unclear: UnfinishedUpload[]
}

/** Sorts a bucket's unfinished multipart uploads by whether they belong to some projects (ListMultipartUploads). */
export async function sortUploads(
  store: Store,
  bucket: string,
  owners: UploadOwners,
  signal?: AbortSignal,
): Promise<SortedUploads> {
  const uploads: UnfinishedUpload[] = []
  for await (const upload of store.listMultipartUploads(bucket, { signal })) uploads.push(upload)
  // One foreign name in the list shows that the server does not simply repeat who asks.
  const tellsOwners =
    isAwsCanonicalId(owners.bucketOwnerId) ||
    uploads.some((upload) => idsOf(upload).some((id) => id !== owners.bucketOwnerId))

  const sorted: SortedUploads = { theirs: [], others: [], unclear: [] }
  for (const upload of uploads) sorted[belonging(upload, owners, tellsOwners)].push(upload)
  return sorted
}

function belonging(
  upload: UnfinishedUpload,
  owners: UploadOwners,
  tellsOwners: boolean,
): keyof SortedUploads {
  const ids = idsOf(upload)
  if (ids.some((id) => isOneOf(id, owners))) return 'theirs'
  if (!tellsOwners || ids.length === 0) return 'unclear'
  const isBucketOwners = upload.initiatorId === owners.bucketOwnerId
  return owners.someIdUnknown && !isBucketOwners ? 'unclear' : 'others'
}

/** AWS shows the initiator as an ARN where it is a user or a role. */
function isOneOf(id: string, { canonicalIds, principals }: UploadOwners): boolean {
  return (
    canonicalIds.has(id) ||
    principals.some((principal) => principalCovers(principal, { kind: 'AWS', value: id }))
  )
}

function idsOf({ initiatorId, ownerId }: UnfinishedUpload): string[] {
  return [initiatorId, ownerId].filter((id): id is string => id !== undefined && id !== '')
}
