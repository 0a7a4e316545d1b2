import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { ObjectHead, ObjectName } from '../../storage/object-store.ts'
import { readJsonFile, writeJsonFile } from '../../util/json-file.ts'
import { recordName, type CopyRecords } from '../copies/copy-record.ts'
import type { CopyNames } from './copy-names.ts'

/** Copies whose names a run remembers to remove their records. */
const KEPT_NAMES = 1000

/** An object as it was: what tells whether it is still the same. */
const versionSchema = z.object({ size: z.int().min(0), etag: z.string(), versionId: z.string().nullable() })
type SeenVersion = z.infer<typeof versionSchema>

const nameSchema = z.object({ bucket: z.string(), objectKey: z.string() })
const finishedSchema = z.object({
  version: z.literal(1),
  source: nameSchema,
  target: nameSchema,
  copied: versionSchema,
  copy: versionSchema,
})

/**
 * Whether a record says that what is at the target is the copy of what is at the source. Needed for objects that were
 * copied in other parts than they were stored in: their copies have another ETag.
 *
 * @throws AppError FILE_UNREADABLE
 */
export async function isFinishedCopy(
  records: CopyRecords,
  names: CopyNames,
  before: ObjectHead,
  there: ObjectHead,
): Promise<boolean> {
  const record = await readJsonFile(recordFile(records, names), finishedSchema.optional(), undefined)
  if (record === undefined) return false
  const isOfThese = isSameName(record.source, names.source) && isSameName(record.target, names.target)
  return isOfThese && isVersion(record.copied, before) && isVersion(record.copy, there)
}

/** Writes a checked copy down. Throws FILE_UNREADABLE, DISK_FULL. */
export async function writeFinishedCopy(
  records: CopyRecords,
  { source, target }: CopyNames,
  before: ObjectHead,
  copy: { size: number; etag: string; versionId?: string | undefined },
): Promise<void> {
  await writeJsonFile(recordFile(records, { source, target }), {
    version: 1,
    source: { bucket: source.bucket, objectKey: source.objectKey },
    target: { bucket: target.bucket, objectKey: target.objectKey },
    copied: seen(before),
    copy: seen(copy),
  })
}

/** Forgets a copy that nothing is to go on with. */
export async function removeFinishedCopy(records: CopyRecords, names: CopyNames): Promise<void> {
  await rm(recordFile(records, names), { force: true })
}

/** Copies that a run wrote down, whose records are removed when it is complete. Little is remembered of any number. */
export class RecordedCopies {
  readonly #records: CopyRecords | undefined
  readonly #names: CopyNames[] = []
  #hasOthers = false

  constructor(records: CopyRecords | undefined) {
    this.#records = records
  }

  add(names: CopyNames): void {
    if (this.#names.length < KEPT_NAMES) this.#names.push(names)
    else this.#hasOthers = true
  }

  /** @param list - gives all copies of the run again, for when there were too many to remember */
  async remove(list: () => AsyncIterable<CopyNames>): Promise<void> {
    if (this.#records === undefined) return
    for await (const names of this.#hasOthers ? list() : this.#names) {
      await removeFinishedCopy(this.#records, names)
    }
  }
}

function seen({ size, etag, versionId }: { size: number; etag: string; versionId?: string | undefined }) {
  return { size, etag, versionId: versionId ?? null } satisfies SeenVersion
}

function isVersion(record: SeenVersion, head: ObjectHead): boolean {
  const { size, etag, versionId } = seen(head)
  // Some answers name no version: then the ETag has to do.
  const isSameVersion = record.versionId === null || versionId === null || record.versionId === versionId
  return record.size === size && record.etag === etag && isSameVersion
}

function isSameName(a: ObjectName, b: ObjectName): boolean {
  return a.bucket === b.bucket && a.objectKey === b.objectKey
}

function recordFile({ folder, endpoint }: CopyRecords, { source, target }: CopyNames): string {
  const names = [endpoint, source.bucket, source.objectKey, target.bucket, target.objectKey]
  return join(folder, `finished-${recordName(...names)}.json`)
}
