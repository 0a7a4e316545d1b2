/**
 * What the sandbox keeps on disk beside the bytes: one JSON file per bucket, object key, upload and part.
 * A record is written whole to a temporary file and renamed, synchronously: between the check of a condition
 * (If-None-Match, the upload still open) and its result no other request can step in.
 * There is no fsync: a killed sandbox starts again with its state, a machine that lost power may not.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../../util/errors.ts'

const permissions = ['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL'] as const

const aclSchema = z.object({
  ownerId: z.string(),
  grants: z.array(
    z.object({
      grantee: z.discriminatedUnion('type', [
        z.object({ type: z.literal('canonical'), id: z.string() }),
        z.object({ type: z.literal('group'), uri: z.string() }),
      ]),
      permission: z.enum(permissions),
    }),
  ),
})

export const bucketSchema = z.object({
  tenant: z.string(),
  name: z.string(),
  ownerId: z.string(),
  createdAt: z.string(),
  versioning: z.enum(['off', 'Enabled', 'Suspended']),
  /** The policy as it was put: it is given back byte for byte. */
  policy: z.string().optional(),
  acl: aclSchema,
})

/** A file in the content folder. */
const pieceSchema = z.object({ file: z.string().regex(/^[0-9a-f-]{36}$/), size: z.number().int().min(0) })

const storedSchema = z.object({
  kind: z.literal('object'),
  versionId: z.string(),
  lastModified: z.string(),
  size: z.number().int().min(0),
  /** Without quotes. */
  etag: z.string(),
  /** The bytes, in order: one file, or one for each part. */
  pieces: z.array(pieceSchema),
  /** Headers kept with the object: Content-Type, x-amz-meta-* and the like. */
  headers: z.record(z.string(), z.string()),
  acl: aclSchema,
  /** The multipart upload it came from: Complete may be repeated. */
  uploadId: z.string().optional(),
})

const markerSchema = z.object({
  kind: z.literal('delete-marker'),
  versionId: z.string(),
  lastModified: z.string(),
  ownerId: z.string(),
})

export const objectSchema = z.object({
  objectKey: z.string(),
  /** Newest first. */
  versions: z.array(z.discriminatedUnion('kind', [storedSchema, markerSchema])),
})

export const uploadSchema = z.object({
  uploadId: z.string(),
  objectKey: z.string(),
  initiatedAt: z.string(),
  initiatorId: z.string(),
  headers: z.record(z.string(), z.string()),
  acl: aclSchema,
})

export const partSchema = z.object({
  partNumber: z.number().int().min(1).max(10_000),
  size: z.number().int().min(0),
  etag: z.string(),
  lastModified: z.string(),
  piece: pieceSchema,
})

export type AclRecord = z.infer<typeof aclSchema>
export type BucketRecord = z.infer<typeof bucketSchema>
export type ContentPiece = z.infer<typeof pieceSchema>
export type StoredVersion = z.infer<typeof storedSchema>
type DeleteMarker = z.infer<typeof markerSchema>
export type ObjectVersion = StoredVersion | DeleteMarker
export type ObjectRecord = z.infer<typeof objectSchema>
export type UploadRecord = z.infer<typeof uploadSchema>
export type PartRecord = z.infer<typeof partSchema>

/** Writes a record under its name in one step. */
export function writeRecord(path: string, record: unknown): void {
  const temporary = `${path}.new`
  const text = JSON.stringify(record)
  try {
    writeFileSync(temporary, text, { mode: 0o600 })
  } catch (error) {
    // The folder is there but for its first record.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(temporary, text, { mode: 0o600 })
  }
  renameSync(temporary, path)
}

export function removeRecord(path: string): void {
  rmSync(path, { force: true, recursive: true })
}

/** Throws INTEGRITY when the file is not such a record. */
export function readRecord<T>(path: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new AppError('INTEGRITY', `${path} is no record of this sandbox`, {
      hints: ['start the sandbox with an empty folder'],
      cause,
    })
  }
}

/** The entries of a folder that may not exist; leftovers of an interrupted write are removed. */
export function recordNames(folder: string): string[] {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch {
    return []
  }
  for (const name of names) if (name.endsWith('.new')) rmSync(join(folder, name), { force: true })
  return names.filter((name) => !name.endsWith('.new'))
}
