import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { ObjectName } from '../../storage/object-store.ts'
import { readJsonFile, writeJsonFile } from '../../util/json-file.ts'

/**
 * A copy in parts that was begun and not finished. It is written down because no server can be asked: Ceph RGW 16.2 names
 * whoever asks as the initiator of every upload, and an upload of the producer's under the same key must neither be gone
 * on with nor aborted.
 */
export interface CopyBegun {
  uploadId: string
  /** Bytes of every part that is copied, but the last. */
  partSize: number
  /** The source as it was then. */
  size: number
  etag: string
  versionId: string | null
  /** Hash of all else that was asked for: another wish can't be fulfilled with these parts. */
  wish: string
}

/** Where begun and unfinished copies of one store are written down: a file for each object. */
export interface CopyRecords {
  folder: string
  /** The store's address: bucket names are its own. */
  endpoint: string
}

const recordSchema = z.object({
  version: z.literal(1),
  bucket: z.string(),
  objectKey: z.string(),
  begun: z.object({
    uploadId: z.string().min(1),
    partSize: z.int().min(1),
    size: z.int().min(1),
    etag: z.string(),
    versionId: z.string().nullable(),
    wish: z.string().default(''),
  }),
})

/** The copy to this object that an earlier run began. Throws FILE_UNREADABLE. */
export async function readCopyRecord(
  records: CopyRecords,
  { bucket, objectKey }: ObjectName,
): Promise<CopyBegun | undefined> {
  const file = recordFile(records, { bucket, objectKey })
  const found = await readJsonFile(file, recordSchema.optional(), undefined)
  return found?.bucket === bucket && found.objectKey === objectKey ? found.begun : undefined
}

/** Writes a copy down, before its first part. Throws FILE_UNREADABLE, DISK_FULL. */
export async function writeCopyRecord(
  records: CopyRecords,
  { bucket, objectKey }: ObjectName,
  begun: CopyBegun,
): Promise<void> {
  await writeJsonFile(recordFile(records, { bucket, objectKey }), { version: 1, bucket, objectKey, begun })
}

/** Forgets a copy that is finished or given up. */
export async function removeCopyRecord(records: CopyRecords, target: ObjectName): Promise<void> {
  await rm(recordFile(records, target), { force: true })
}

/** A file name for what can't be one: object keys have slashes, and may be longer. */
export function recordName(...names: string[]): string {
  return createHash('sha256').update(JSON.stringify(names)).digest('hex')
}

function recordFile({ folder, endpoint }: CopyRecords, { bucket, objectKey }: ObjectName): string {
  return join(folder, `${recordName(endpoint, bucket, objectKey)}.json`)
}
