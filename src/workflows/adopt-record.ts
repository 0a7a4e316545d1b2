import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readJsonFile, writeJsonFile } from '../util/json-file.ts'

/**
 * A copy in parts that was begun and not finished. It is written down because no server can be asked: Ceph RGW 16.2 names
 * whoever asks as the initiator of every upload, and an upload of the producer's under the same key must neither be gone
 * on with nor aborted.
 */
export interface CopyBegun {
  uploadId: string
  /** Bytes of every part but the last. */
  partSize: number
  /** The object as it was then. */
  size: number
  etag: string
  versionId: string | null
}

/** Where begun copies of one store are written down: a file for each object. */
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
  }),
})

interface Place {
  bucket: string
  objectKey: string
}

/** The copy of this object that an earlier run began. Throws FILE_UNREADABLE. */
export async function readCopyRecord(records: CopyRecords, place: Place): Promise<CopyBegun | undefined> {
  const schema = recordSchema.optional()
  const found = await readJsonFile(recordFile(records, place), schema, undefined)
  return found?.bucket === place.bucket && found.objectKey === place.objectKey ? found.begun : undefined
}

/** Writes a copy down, before its first part. Throws FILE_UNREADABLE, DISK_FULL. */
export async function writeCopyRecord(
  records: CopyRecords,
  { bucket, objectKey }: Place,
  begun: CopyBegun,
): Promise<void> {
  await writeJsonFile(recordFile(records, { bucket, objectKey }), { version: 1, bucket, objectKey, begun })
}

/** Forgets a copy that is finished or given up. */
export async function removeCopyRecord(records: CopyRecords, place: Place): Promise<void> {
  await rm(recordFile(records, place), { force: true })
}

/** Object keys are no file names: their hash is. */
function recordFile({ folder, endpoint }: CopyRecords, { bucket, objectKey }: Place): string {
  const name = createHash('sha256')
    .update(JSON.stringify([endpoint, bucket, objectKey]))
    .digest('hex')
  return join(folder, `${name}.json`)
}
