import { randomBytes } from 'node:crypto'
import type { MultipartUpload, UploadedPart } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'

/** Where in a bucket probes write: below a folder of this name, and nowhere else. */
const PROBE_FOLDER = '.sealift-probe/'

/** Throw-away things for one caller at one place, all of them made by the bucket's owner. */
export interface ProbeGround {
  /** Whose bucket it is, and its name there. */
  owner: { store: Store; bucket: string }
  /** What the keys begin with before the folder of probes: empty, `keys/`, the prefix of a grant. */
  place: string
  /** Everything that is written begins so. */
  folder: string
  /** Is read, and its ACL written as it is. */
  given: string
  overwritten: string
  deleted: string
  /** A version that may be deleted for good; undefined where the bucket keeps none. */
  erased: { objectKey: string; versionId: string } | undefined
  /** An upload with one part: is completed. */
  joined: { upload: MultipartUpload; part: UploadedPart }
  /** An upload that gets a part, is listed and aborted. */
  ended: MultipartUpload
}

/** Requests at a time when things are removed. */
const AT_A_TIME = 8

const BODY = Buffer.from('made by sealift to see who may reach it; may be deleted\n')

/** Folders for one run: nobody else's probes are in them. */
export function probeFolders(places: readonly string[]): { place: string; folder: string }[] {
  const run = randomBytes(8).toString('hex')
  return places.map((place) => ({ place, folder: `${place}${PROBE_FOLDER}${run}/` }))
}

/** Makes the things that one caller is to try its requests on. Throws what the store throws. */
export async function makeGround(
  owner: Store,
  bucket: string,
  { place, folder }: { place: string; folder: string },
  caller: number,
  signal?: AbortSignal,
): Promise<ProbeGround> {
  const named = (name: string): string => `${folder}${String(caller)}-${name}`
  const put = async (name: string): Promise<{ objectKey: string; versionId: string | undefined }> => {
    const objectKey = named(name)
    const { versionId } = await owner.putObject(bucket, objectKey, BODY, { signal })
    return { objectKey, versionId }
  }
  const begin = async (name: string): Promise<MultipartUpload> => {
    const objectKey = named(name)
    return { bucket, objectKey, uploadId: await owner.createMultipartUpload(bucket, objectKey, { signal }) }
  }
  const given = await put('given')
  const overwritten = await put('overwritten')
  const deleted = await put('deleted')
  const erased = await put('erased')
  const joined = await begin('joined')
  return {
    owner: { store: owner, bucket },
    place,
    folder: named(''),
    given: given.objectKey,
    overwritten: overwritten.objectKey,
    deleted: deleted.objectKey,
    erased:
      erased.versionId === undefined
        ? undefined
        : { objectKey: erased.objectKey, versionId: erased.versionId },
    joined: { upload: joined, part: await owner.uploadPart(joined, 1, BODY, { signal }) },
    ended: await begin('ended'),
  }
}

/**
 * Removes everything below the folders, whoever made it, older versions and unfinished uploads too. Gives what is still
 * there, in words; never throws for it: what the probes found out counts more.
 */
export async function clearGround(
  owner: Store,
  bucket: string,
  folders: readonly { folder: string }[],
): Promise<string[]> {
  const left: string[] = []
  for (const { folder } of folders) {
    try {
      await removeBelow(owner, bucket, folder)
      left.push(...(await stillBelow(owner, bucket, folder)))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      left.push(`${folder} could not be cleared: ${error.message}`)
    }
  }
  return left
}

async function removeBelow(owner: Store, bucket: string, folder: string): Promise<void> {
  // A server that ignores `prefix` shows all of the bucket.
  await forEachPulled(owner.listMultipartUploads(bucket, { prefix: folder }), AT_A_TIME, async (upload) => {
    if (upload.objectKey.startsWith(folder)) await owner.abortMultipartUpload(upload)
  })
  try {
    const versions = owner.listVersions(bucket, { prefix: folder })
    await forEachPulled(versions, AT_A_TIME, async ({ objectKey, versionId }) => {
      if (objectKey.startsWith(folder)) await owner.deleteVersion(bucket, objectKey, versionId)
    })
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
  }
  await forEachPulled(owner.listObjects(bucket, { prefix: folder }), AT_A_TIME, async ({ objectKey }) => {
    if (objectKey.startsWith(folder)) await owner.deleteObject(bucket, objectKey)
  })
}

async function stillBelow(owner: Store, bucket: string, folder: string): Promise<string[]> {
  const left: string[] = []
  const note = (objectKey: string, text: string): void => {
    if (objectKey.startsWith(folder)) left.push(text)
  }
  for await (const { objectKey } of owner.listObjects(bucket, { prefix: folder })) note(objectKey, objectKey)
  for await (const { objectKey } of owner.listMultipartUploads(bucket, { prefix: folder })) {
    note(objectKey, `an unfinished upload of ${objectKey}`)
  }
  try {
    for await (const { objectKey, versionId, isLatest } of owner.listVersions(bucket, { prefix: folder })) {
      if (!isLatest) note(objectKey, `${objectKey} (version ${versionId})`)
    }
  } catch (error) {
    if (!hasCode(error, 'UNSUPPORTED')) throw error
  }
  return left
}
