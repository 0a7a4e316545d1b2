import type { UnfinishedUpload } from '../storage/object-store.ts'
import { isAwsCanonicalId } from '../storage/access/principal.ts'
import type { Store } from '../storage/store.ts'
import { hasCode } from '../util/errors.ts'
import type { Recognition, Whom } from './bucket-findings-people.ts'
import type { Sharing } from './sharing.ts'

/** Uploads that are named; the others are counted. */
const NAMED_UPLOADS = 10

/** An unfinished multipart upload that somebody else may go on with: part of the --json contract. */
interface OpenUpload {
  objectKey: string
  uploadId: string
  initiatedAt: Date | undefined
  /** Who began it; undefined where the server does not tell. */
  initiator: Whom | undefined
}

/** A bucket's unfinished uploads: part of the --json contract. */
export interface UploadFindings {
  /** Begun by the owner, or by a transfer of this machine. */
  own: number
  /** Begun by others. */
  others: number
  /** Nobody knows by whom: Ceph RGW 16 shows whoever asks as the initiator of each. */
  unclear: number
  /** Those of others and the unclear ones, the oldest first; ten at most. */
  oldest: OpenUpload[]
  /** Why none was looked at. */
  skipped?: string
}

/** Counts a bucket's unfinished uploads by whose they are (ListMultipartUploads), in constant memory. */
export async function uploadFindings(
  store: Store,
  { bucket, ownerId, provider }: Sharing,
  { recognised, ownUploadIds }: { recognised: Recognition; ownUploadIds: ReadonlySet<string> },
  signal?: AbortSignal,
): Promise<UploadFindings> {
  let own = 0
  const others = new Oldest()
  const owners = new Oldest()
  try {
    for await (const upload of store.listMultipartUploads(bucket, { signal })) {
      const initiator = foreignInitiator(upload, ownerId)
      if (ownUploadIds.has(upload.uploadId)) own += 1
      else if (initiator === undefined) owners.add(openUpload(upload, undefined))
      else others.add(openUpload(upload, recognised.ofCanonicalId(initiator)))
    }
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
    const skipped = `${provider.title} does not list unfinished uploads`
    return { own: 0, others: 0, unclear: 0, oldest: [], skipped }
  }
  // One foreign name in the list shows that the server does not simply repeat who asks.
  const tellsOwners = isAwsCanonicalId(ownerId) || others.count > 0
  if (tellsOwners) {
    return { own: own + owners.count, others: others.count, unclear: 0, oldest: others.oldest() }
  }
  return { own, others: 0, unclear: owners.count, oldest: owners.oldest() }
}

/** Canonical id of somebody else who began an upload, or whom its object would belong to. */
function foreignInitiator(
  { ownerId, initiatorId }: UnfinishedUpload,
  bucketOwnerId: string,
): string | undefined {
  const isForeign = (id: string | undefined): id is string =>
    id !== undefined && id !== '' && id !== bucketOwnerId
  // AWS names its users by ARN as initiators, those of the bucket's owner too.
  const isOwnUser = initiatorId?.startsWith('arn:') === true && ownerId === bucketOwnerId
  if (isForeign(initiatorId) && !isOwnUser) return initiatorId
  return isForeign(ownerId) ? ownerId : undefined
}

function openUpload(
  { objectKey, uploadId, initiatedAt }: UnfinishedUpload,
  initiator: Whom | undefined,
): OpenUpload {
  return { objectKey, uploadId, initiatedAt, initiator }
}

/** The oldest of however many. */
class Oldest {
  count = 0
  #kept: OpenUpload[] = []

  add(upload: OpenUpload): void {
    this.count += 1
    this.#kept.push(upload)
    if (this.#kept.length > 20 * NAMED_UPLOADS) this.#kept = this.oldest()
  }

  oldest(): OpenUpload[] {
    return this.#kept.toSorted((a, b) => begunAt(a) - begunAt(b)).slice(0, NAMED_UPLOADS)
  }
}

function begunAt({ initiatedAt }: OpenUpload): number {
  return initiatedAt?.getTime() ?? Infinity
}
