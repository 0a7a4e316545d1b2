import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { ObjectTags } from '../storage/copy-store.ts'
import { errnoOf, fileError } from '../util/file-errors.ts'
import { readJsonFile, writeJsonFile } from '../util/json-file.ts'
import { recordName, type CopyRecords } from './copies/copy-record.ts'

/**
 * An object whose copy is about to take its place, with what is to be done to it after: once the copy is there the object
 * is the owner's, and no listing tells any more that tags are to be restored and an older version to be closed.
 */
export interface UnfinishedAdoption {
  bucket: string
  objectKey: string
  /** The version that is copied; `null` where none are kept. */
  versionId: string
  /** Bytes, of the source and of the copy. */
  size: number
  /** Of the source. */
  etag: string
  /** The ETag that the copy will have; null where that can't be known before. */
  copyEtag: string | null
  /** Canonical id of the owner before, where the server told. */
  previousOwner?: string | undefined
  tags: ObjectTags
  /** Parts it is copied in. */
  parts: number
}

const unfinishedSchema = z.object({
  version: z.literal(1),
  bucket: z.string(),
  objectKey: z.string(),
  versionId: z.string().min(1),
  size: z.int().min(0),
  etag: z.string(),
  copyEtag: z.string().nullable(),
  previousOwner: z.string().optional(),
  tags: z.record(z.string(), z.string()),
  parts: z.int().min(1),
})

/** The adoptions in this bucket that no run finished. Throws FILE_UNREADABLE. */
export async function readUnfinished(records: CopyRecords, bucket: string): Promise<UnfinishedAdoption[]> {
  const begin = `${recordName(records.endpoint, bucket)}-`
  const found: UnfinishedAdoption[] = []
  for (const name of await namesIn(records.folder)) {
    if (!name.startsWith(begin) || !name.endsWith('.json')) continue
    const schema = unfinishedSchema.optional()
    const unfinished = await readJsonFile(join(records.folder, name), schema, undefined)
    if (unfinished?.bucket === bucket) found.push(unfinished)
  }
  return found
}

/** Writes an adoption down, before the copy takes the object's place. Throws FILE_UNREADABLE, DISK_FULL. */
export async function writeUnfinished(records: CopyRecords, unfinished: UnfinishedAdoption): Promise<void> {
  await writeJsonFile(unfinishedFile(records, unfinished), { version: 1, ...unfinished })
}

/** Forgets an adoption after its last step, or one whose copy did not take the object's place. */
export async function removeUnfinished(
  records: CopyRecords,
  source: Pick<UnfinishedAdoption, 'bucket' | 'objectKey' | 'versionId' | 'etag'>,
): Promise<void> {
  await rm(unfinishedFile(records, source), { force: true })
}

/** One for each version: another may be delivered, and taken over, before the one below it is finished. */
function unfinishedFile(
  { folder, endpoint }: CopyRecords,
  {
    bucket,
    objectKey,
    versionId,
    etag,
  }: Pick<UnfinishedAdoption, 'bucket' | 'objectKey' | 'versionId' | 'etag'>,
): string {
  return join(folder, `${recordName(endpoint, bucket)}-${recordName(objectKey, versionId, etag)}.json`)
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw fileError(error, 'read', folder)
  }
}
