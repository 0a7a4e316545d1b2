import { join } from 'node:path'
import type { ContentStore } from './content.ts'
import {
  type ContentPiece,
  type PartRecord,
  partSchema,
  readRecord,
  recordNames,
  removeRecord,
  type UploadRecord,
  uploadSchema,
  writeRecord,
} from './records.ts'

/** A multipart upload that is not finished, with the parts that arrived, by number. */
export interface Upload {
  readonly record: UploadRecord
  readonly parts: Map<number, PartRecord>
}

/** The unfinished multipart uploads of a bucket: a folder each, a record for each part. */
export class Uploads {
  readonly #folder: string
  readonly #content: ContentStore
  readonly #uploads = new Map<string, Upload>()

  constructor(folder: string, content: ContentStore) {
    this.#folder = folder
    this.#content = content
  }

  /** Reads uploads back; those `finished` are only cleaned up. Throws INTEGRITY. */
  load(finished: (upload: UploadRecord) => boolean): void {
    for (const name of recordNames(this.#folder)) {
      const names = recordNames(join(this.#folder, name))
      // Create and abort may have been interrupted: without its own record it was never open, or is no longer.
      if (!names.includes('upload.json')) {
        removeRecord(join(this.#folder, name))
        continue
      }
      const record = readRecord(join(this.#folder, name, 'upload.json'), uploadSchema)
      if (finished(record)) {
        removeRecord(join(this.#folder, name))
        continue
      }
      const parts = names
        .filter((part) => part !== 'upload.json')
        .map((part) => readRecord(join(this.#folder, name, part), partSchema))
      this.#uploads.set(record.uploadId, {
        record,
        parts: new Map(parts.map((part) => [part.partNumber, part])),
      })
    }
  }

  /** Open uploads, oldest first. */
  list(): Upload[] {
    return [...this.#uploads.values()]
  }

  /** The open upload of an id, if it is for this key. */
  find(objectKey: string, uploadId: string): Upload | undefined {
    const upload = this.#uploads.get(uploadId)
    return upload?.record.objectKey === objectKey ? upload : undefined
  }

  open(record: UploadRecord): void {
    writeRecord(join(this.#folder, record.uploadId, 'upload.json'), record)
    this.#uploads.set(record.uploadId, { record, parts: new Map() })
  }

  /** Adds a part; an earlier one of the same number is replaced. */
  addPart(upload: Upload, part: PartRecord): void {
    const before = upload.parts.get(part.partNumber)
    writeRecord(join(this.#folder, upload.record.uploadId, `${part.partNumber}.json`), part)
    upload.parts.set(part.partNumber, part)
    if (before !== undefined) this.#content.remove([before.piece])
  }

  /** Forgets an upload whose parts became an object. */
  finish(uploadId: string): void {
    this.#uploads.delete(uploadId)
    removeRecord(join(this.#folder, uploadId))
  }

  /** Ends an upload and removes its parts. */
  abort(uploadId: string): void {
    const pieces: ContentPiece[] = [...(this.#uploads.get(uploadId)?.parts.values() ?? [])].map(
      (part) => part.piece,
    )
    this.finish(uploadId)
    this.#content.remove(pieces)
  }

  *contentFiles(): Generator<string> {
    for (const upload of this.#uploads.values())
      for (const part of upload.parts.values()) yield part.piece.file
  }
}
