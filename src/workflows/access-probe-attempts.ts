import { AppError } from '../util/errors.ts'
import { KEY_CARD_PREFIX } from '../storage/access/key-card.ts'
import type { ProbeGround } from './access-probe-ground.ts'
import type { ProbeAttempt, ProbeCaller } from './access-probe.ts'

/** An object that was there before: only read, and no more than a byte of it. */
export interface SampleObject {
  objectKey: string
  /** Bytes. */
  size: number
  /** An older version; its head is asked for. */
  versionId?: string | undefined
}

const BODY = Buffer.from('written by a probe of sealift; may be deleted\n')

/** What may be asked of a bucket as a whole, nothing of which changes it; its listing also by each place. */
export function bucketAttempts(
  { store, bucket }: ProbeCaller,
  places: readonly string[],
  signal?: AbortSignal,
): ProbeAttempt[] {
  const whole = (
    operation: ProbeAttempt['operation'],
    send: ProbeAttempt['send'],
    place = '',
  ): ProbeAttempt => ({
    operation,
    place,
    send,
  })
  return [
    ...['', ...places.filter((place) => place !== '')].map((place) => {
      const below = { signal, limit: 1, ...(place === '' ? {} : { prefix: place }) }
      return whole('ListObjectsV2', () => firstOf(store.listObjects(bucket, below)), place)
    }),
    whole('ListObjectVersions', () => firstOf(store.listVersions(bucket, { signal }))),
    whole('ListMultipartUploads', () => firstOf(store.listMultipartUploads(bucket, { signal }))),
    whole('GetBucketPolicy', () => store.bucketPolicy(bucket, { signal })),
    whole('GetBucketAcl', () => store.bucketAcl(bucket, { signal })),
  ]
}

/** What may be asked about objects that were there before the probes. */
export function sampleAttempts(
  { store, bucket }: ProbeCaller,
  samples: readonly SampleObject[],
  signal?: AbortSignal,
): ProbeAttempt[] {
  return samples.flatMap(({ objectKey, size, versionId }): ProbeAttempt[] => {
    const head: ProbeAttempt = {
      operation: 'HeadObject',
      objectKey,
      versionId,
      send: () => store.headObject(bucket, objectKey, { signal, versionId }),
    }
    if (versionId !== undefined) return [head]
    return [
      head,
      {
        operation: 'GetObject',
        objectKey,
        send: () => firstByte({ store, bucket }, objectKey, size, signal),
      },
      { operation: 'GetObjectAcl', objectKey, send: () => store.objectAcl(bucket, objectKey, { signal }) },
    ]
  })
}

/** Everything that may be done to throw-away objects; in the key card, what its lock is about. */
export function groundAttempts(
  caller: ProbeCaller,
  ground: ProbeGround,
  ownerId: string,
  signal?: AbortSignal,
): ProbeAttempt[] {
  const { place } = ground
  const all = [...readAttempts(caller, ground, signal), ...writeAttempts(caller, ground, ownerId, signal)]
  const inPlace = place === KEY_CARD_PREFIX ? all.filter(({ operation }) => OF_KEY_CARD.has(operation)) : all
  return inPlace.map((attempt) => ({ ...attempt, place }))
}

const OF_KEY_CARD: ReadonlySet<string> = new Set([
  'HeadObject',
  'GetObject',
  'GetObjectAcl',
  'PutObject',
  'PutObject over another',
  'PutObjectAcl',
  'CreateMultipartUpload',
  'DeleteObject',
])

function readAttempts(
  { store, bucket }: ProbeCaller,
  { given, folder }: ProbeGround,
  signal: AbortSignal | undefined,
): ProbeAttempt[] {
  const own = `${folder}new`
  const source = { bucket, objectKey: given }
  const target = { bucket, objectKey: `${folder}copied` }
  return [
    {
      operation: 'HeadObject',
      objectKey: given,
      send: () => store.headObject(bucket, given, { signal }),
    },
    {
      operation: 'GetObject',
      objectKey: given,
      send: () => firstByte({ store, bucket }, given, 1, signal),
    },
    { operation: 'GetObjectAcl', objectKey: given, send: () => store.objectAcl(bucket, given, { signal }) },
    {
      operation: 'GetObjectTagging',
      objectKey: given,
      send: () => store.objectTags(bucket, given, { signal }),
    },
    {
      operation: 'CopyObject',
      objectKey: given,
      send: () => store.copyObject(source, target, { signal }),
    },
    { operation: 'PutObject', objectKey: own, send: () => store.putObject(bucket, own, BODY, { signal }) },
    {
      operation: 'GetObject of its own upload',
      objectKey: own,
      after: 'PutObject',
      send: () => firstByte({ store, bucket }, own, 1, signal),
    },
  ]
}

function writeAttempts(
  { store, bucket }: ProbeCaller,
  ground: ProbeGround,
  ownerId: string,
  signal: AbortSignal | undefined,
): ProbeAttempt[] {
  const { given, folder, overwritten, joined, ended, owner } = ground
  const created = `${folder}created`
  // The caller may call the bucket by another name than its owner.
  const whole = { ...joined.upload, bucket }
  const other = { ...ended, bucket }
  const sameAcl = {
    ownerId,
    grants: [{ grantee: { type: 'canonical', id: ownerId }, permission: 'FULL_CONTROL' }],
  } as const
  return [
    {
      operation: 'PutObject over another',
      objectKey: overwritten,
      send: () => store.putObject(bucket, overwritten, BODY, { signal }),
    },
    {
      operation: 'PutObjectAcl',
      objectKey: given,
      send: () => store.putObjectAcl(bucket, given, sameAcl, { signal }),
    },
    {
      operation: 'CreateMultipartUpload',
      objectKey: created,
      send: () => store.createMultipartUpload(bucket, created, { signal }),
    },
    {
      operation: 'UploadPart',
      objectKey: other.objectKey,
      send: () => store.uploadPart(other, 1, BODY, { signal }),
    },
    {
      operation: 'ListParts',
      objectKey: other.objectKey,
      send: () => firstOf(store.listParts(other, { signal })),
    },
    {
      operation: 'AbortMultipartUpload',
      objectKey: other.objectKey,
      send: () => store.abortMultipartUpload(other, { signal }),
      isDone: () => isGone(() => firstOf(owner.store.listParts(ended, { signal }))),
    },
    {
      // Ceph RGW completes an upload only from all of its parts: nothing was added to this one.
      operation: 'CompleteMultipartUpload',
      objectKey: whole.objectKey,
      send: () => store.completeMultipartUpload(whole, [joined.part], { signal }),
    },
    ...deleteAttempts({ store, bucket }, ground, signal),
  ]
}

function deleteAttempts(
  { store, bucket }: Pick<ProbeCaller, 'store' | 'bucket'>,
  { deleted, erased, owner }: ProbeGround,
  signal: AbortSignal | undefined,
): ProbeAttempt[] {
  const plain: ProbeAttempt = {
    operation: 'DeleteObject',
    objectKey: deleted,
    send: () => store.deleteObject(bucket, deleted, { signal }),
    isDone: () => isGone(() => owner.store.headObject(owner.bucket, deleted, { signal })),
  }
  if (erased === undefined) return [plain]
  const { objectKey, versionId } = erased
  return [
    plain,
    {
      operation: 'DeleteObject of a version',
      objectKey,
      versionId,
      send: () => store.deleteVersion(bucket, objectKey, versionId, { signal }),
      isDone: () => isGone(() => owner.store.headObject(owner.bucket, objectKey, { signal, versionId })),
    },
  ]
}

/** What the owner cannot look at counts as gone: then the caller's word stands. */
async function isGone(look: () => Promise<unknown>): Promise<boolean> {
  try {
    await look()
    return false
  } catch (error) {
    if (error instanceof AppError) return true
    throw error
  }
}

async function firstOf(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items) return
}

/** An empty object has no first byte to ask for. */
async function firstByte(
  { store, bucket }: Pick<ProbeCaller, 'store' | 'bucket'>,
  objectKey: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const range = size === 0 ? undefined : { offset: 0, length: 1 }
  const answer = await store.getObject(bucket, objectKey, { range, signal })
  answer.destroy()
}
