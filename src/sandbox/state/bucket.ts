import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { ContentStore } from './content.ts'
import { KeyIndex } from './key-index.ts'
import {
  type BucketRecord,
  bucketSchema,
  type ObjectRecord,
  objectSchema,
  type ObjectVersion,
  readRecord,
  recordNames,
  removeRecord,
  type StoredVersion,
  writeRecord,
} from './records.ts'
import { Uploads } from './uploads.ts'

/** A bucket with its objects and unfinished uploads. Every change is on disk before the method returns. */
export class Bucket {
  readonly uploads: Uploads
  readonly #folder: string
  readonly #content: ContentStore
  readonly #objects = new Map<string, ObjectRecord>()
  readonly #keys = new KeyIndex()
  #record: BucketRecord

  private constructor(folder: string, content: ContentStore, record: BucketRecord) {
    this.#folder = folder
    this.#content = content
    this.#record = record
    this.uploads = new Uploads(join(folder, 'uploads'), content)
  }

  static create(folder: string, content: ContentStore, record: BucketRecord): Bucket {
    writeRecord(join(folder, 'bucket.json'), record)
    return new Bucket(folder, content, record)
  }

  /** Reads a bucket back. Throws INTEGRITY. */
  static load(folder: string, content: ContentStore): Bucket {
    const bucket = new Bucket(folder, content, readRecord(join(folder, 'bucket.json'), bucketSchema))
    for (const name of recordNames(join(folder, 'objects'))) {
      const object = readRecord(join(folder, 'objects', name), objectSchema)
      bucket.#objects.set(object.objectKey, object)
      bucket.#keys.add(object.objectKey)
    }
    // Complete writes the object first: an upload whose object exists was finished by a sandbox that died on the way.
    bucket.uploads.load((upload) => bucket.findUploaded(upload.objectKey, upload.uploadId) !== undefined)
    return bucket
  }

  get record(): Readonly<BucketRecord> {
    return this.#record
  }

  /** `name`, or `tenant:name` outside the default tenant. */
  get address(): string {
    const { tenant, name } = this.#record
    return tenant === '' ? name : `${tenant}:${name}`
  }

  get isEmpty(): boolean {
    return this.#objects.size === 0
  }

  update(changes: Partial<BucketRecord>): void {
    const record = { ...this.#record, ...changes }
    writeRecord(join(this.#folder, 'bucket.json'), record)
    this.#record = record
  }

  /** Keys with any version, in the order of their UTF-8 bytes, those after `after` that begin with `prefix`. */
  keys(prefix: string, after?: string): Iterable<string> {
    return this.#keys.range(prefix, after)
  }

  /** All versions of a key, newest first. */
  versions(objectKey: string): readonly ObjectVersion[] {
    return this.#objects.get(objectKey)?.versions ?? []
  }

  /** The newest version, or the one of an id; undefined where a delete marker hides the object. */
  find(objectKey: string, versionId?: string): StoredVersion | undefined {
    const versions = this.versions(objectKey)
    const version =
      versionId === undefined ? versions[0] : versions.find((candidate) => candidate.versionId === versionId)
    return version?.kind === 'object' ? version : undefined
  }

  /** The version a finished multipart upload became. */
  findUploaded(objectKey: string, uploadId: string): StoredVersion | undefined {
    return this.versions(objectKey).find(
      (version): version is StoredVersion => version.kind === 'object' && version.uploadId === uploadId,
    )
  }

  /** Puts a version on top. One with the same id (`null` without versioning) is replaced and its bytes removed. */
  addVersion(objectKey: string, version: ObjectVersion): void {
    const before = this.versions(objectKey)
    const kept = before.filter((candidate) => candidate.versionId !== version.versionId)
    this.#write({ objectKey, versions: [version, ...kept] })
    this.#removeContent(before, kept)
  }

  /** Replaces a version in place (its ACL). */
  replaceVersion(objectKey: string, version: StoredVersion): void {
    const versions = this.versions(objectKey).map((candidate) =>
      candidate.versionId === version.versionId ? version : candidate,
    )
    this.#write({ objectKey, versions })
  }

  /** Removes one version for good; gives it, or undefined when there is none. */
  removeVersion(objectKey: string, versionId: string): ObjectVersion | undefined {
    const before = this.versions(objectKey)
    const removed = before.find((candidate) => candidate.versionId === versionId)
    if (removed === undefined) return undefined
    const kept = before.filter((candidate) => candidate !== removed)
    if (kept.length === 0) {
      this.#objects.delete(objectKey)
      this.#keys.remove(objectKey)
      removeRecord(this.#objectPath(objectKey))
    } else {
      this.#write({ objectKey, versions: kept })
    }
    this.#removeContent([removed], [])
    return removed
  }

  /** Removes the bucket with its unfinished uploads; the caller made sure that it holds no object. */
  destroy(): void {
    for (const upload of this.uploads.list()) this.uploads.abort(upload.record.uploadId)
    removeRecord(this.#folder)
  }

  /** Every content file the bucket's records name. */
  *contentFiles(): Generator<string> {
    for (const object of this.#objects.values()) {
      for (const version of object.versions) {
        if (version.kind === 'object') for (const piece of version.pieces) yield piece.file
      }
    }
    yield* this.uploads.contentFiles()
  }

  #write(object: ObjectRecord): void {
    writeRecord(this.#objectPath(object.objectKey), object)
    this.#objects.set(object.objectKey, object)
    this.#keys.add(object.objectKey)
  }

  #removeContent(before: readonly ObjectVersion[], kept: readonly ObjectVersion[]): void {
    for (const version of before) {
      if (version.kind === 'object' && !kept.includes(version)) this.#content.remove(version.pieces)
    }
  }

  /** Object keys are a stranger's text of up to 1024 bytes: never a file name, only their hash is. */
  #objectPath(objectKey: string): string {
    return join(this.#folder, 'objects', `${createHash('sha256').update(objectKey).digest('hex')}.json`)
  }
}
