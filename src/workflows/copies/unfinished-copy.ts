import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { ObjectHead, ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { fetchRange } from '../../transfer/fetch-range.ts'
import { hasCode } from '../../util/errors.ts'
import { readJsonFile, writeJsonFile } from '../../util/json-file.ts'
import { recordName, type CopyRecords } from './copy-record.ts'

const grantSchema = z.object({
  grantee: z.discriminatedUnion('type', [
    z.object({ type: z.literal('canonical'), id: z.string() }),
    z.object({ type: z.literal('group'), uri: z.string() }),
  ]),
  permission: z.enum(['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL']),
})

const unfinishedSchema = z.object({
  version: z.literal(1),
  bucket: z.string(),
  objectKey: z.string(),
  source: z.object({
    bucket: z.string(),
    objectKey: z.string(),
    versionId: z.string().nullable(),
    size: z.int().min(0),
    etag: z.string(),
  }),
  copy: z.object({
    size: z.int().min(0),
    /** Null where it can't be known before. */
    etag: z.string().nullable(),
    /** Its first bytes, which no other object has: tells it apart where the ETag does not. SHA-256 in hex. */
    beginning: z.object({ length: z.int().min(1), sha256: z.string() }).optional(),
  }),
  tags: z.record(z.string(), z.string()),
  grants: z.array(grantSchema),
  request: z.string(),
  outcome: z.unknown(),
})

/**
 * A copy that is about to take its target's place, with what is to be done to it after: once it is there, nothing else
 * tells that tags and grants are to be given again, nor that the request was fulfilled.
 */
export type UnfinishedCopy = Omit<z.infer<typeof unfinishedSchema>, 'version'>

/** The copy to this target that no run finished. Throws FILE_UNREADABLE. */
export async function readUnfinishedCopy(
  records: CopyRecords,
  { bucket, objectKey }: ObjectName,
): Promise<UnfinishedCopy | undefined> {
  const file = unfinishedFile(records, { bucket, objectKey })
  const found = await readJsonFile(file, unfinishedSchema.optional(), undefined)
  return found?.bucket === bucket && found.objectKey === objectKey ? found : undefined
}

/** Writes a copy down, before it takes its target's place. Throws FILE_UNREADABLE, DISK_FULL. */
export async function writeUnfinishedCopy(records: CopyRecords, unfinished: UnfinishedCopy): Promise<void> {
  await writeJsonFile(unfinishedFile(records, unfinished), { ...unfinished, version: 1 })
}

/** Forgets a copy after its last step, or one that never took its target's place. */
export async function removeUnfinishedCopy(records: CopyRecords, target: ObjectName): Promise<void> {
  await rm(unfinishedFile(records, target), { force: true })
}

/**
 * The copy as it lies under its target's name; undefined when it never came there, or something else did since. Where its
 * ETag can't be known before, its first bytes tell; without these it is taken to be something else.
 */
export async function placedCopy(
  store: Store,
  { bucket, objectKey, copy }: UnfinishedCopy,
  signal: AbortSignal | undefined,
): Promise<ObjectHead | undefined> {
  try {
    const head = await store.headObject(bucket, objectKey, { signal })
    if (head.size !== copy.size) return undefined
    if (copy.etag !== null) return head.etag === copy.etag ? head : undefined
    if (copy.beginning === undefined) return undefined
    const { length, sha256 } = copy.beginning
    const range = { offset: 0, length }
    const bytes = await fetchRange(
      store,
      { bucket, objectKey },
      range,
      head.etag,
      signal,
      undefined,
      head.size,
    )
    return sha256Hex(bytes) === sha256 ? head : undefined
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND', 'OBJECT_CHANGED')) return undefined
    throw error
  }
}

/** What tells a copy by its first bytes. */
export function beginningOf(bytes: Uint8Array): { length: number; sha256: string } {
  return { length: bytes.length, sha256: sha256Hex(bytes) }
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function unfinishedFile({ folder, endpoint }: CopyRecords, { bucket, objectKey }: ObjectName): string {
  return join(folder, `placed-${recordName(endpoint, bucket, objectKey)}.json`)
}
