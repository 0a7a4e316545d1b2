import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Bucket } from './bucket.ts'
import { ContentStore } from './content.ts'
import { type BucketRecord, recordNames, removeRecord } from './records.ts'

/** Everything a sandbox keeps, under one folder: `buckets/` has the records, `content/` the bytes. */
export class Buckets {
  readonly content: ContentStore
  readonly #folder: string
  readonly #buckets = new Map<string, Bucket>()

  /** Reads back what an earlier sandbox left in the folder; `discard` keeps no bytes of objects. Throws INTEGRITY. */
  constructor(directory: string, discard = false) {
    this.content = new ContentStore(join(directory, 'content'), discard)
    this.#folder = join(directory, 'buckets')
    for (const name of recordNames(this.#folder)) {
      // Deleting a bucket may have been interrupted.
      if (!recordNames(join(this.#folder, name)).includes('bucket.json')) {
        removeRecord(join(this.#folder, name))
        continue
      }
      const bucket = Bucket.load(join(this.#folder, name), this.content)
      this.#buckets.set(bucket.address, bucket)
    }
    this.content.sweep(new Set(this.list().flatMap((bucket) => [...bucket.contentFiles()])))
  }

  list(): Bucket[] {
    return [...this.#buckets.values()]
  }

  /**
   * The bucket addressed as `name` or `tenant:name`. A bare name is looked for in the asker's own tenant only,
   * and `:name` in the default tenant.
   */
  find(address: string, askersTenant: string): Bucket | undefined {
    const { tenant, name } = parseBucketAddress(address, askersTenant)
    return this.#buckets.get(tenant === '' ? name : `${tenant}:${name}`)
  }

  create(record: BucketRecord): void {
    const folder = createHash('sha256').update(`${record.tenant}:${record.name}`).digest('hex').slice(0, 32)
    const bucket = Bucket.create(join(this.#folder, folder), this.content, record)
    this.#buckets.set(bucket.address, bucket)
  }

  /** Removes a bucket that holds no object, with its unfinished uploads. */
  remove(bucket: Bucket): void {
    bucket.destroy()
    this.#buckets.delete(bucket.address)
  }
}

/** Splits `tenant:name`. */
export function parseBucketAddress(address: string, askersTenant: string): { tenant: string; name: string } {
  const colon = address.indexOf(':')
  if (colon === -1) return { tenant: askersTenant, name: address }
  return { tenant: address.slice(0, colon), name: address.slice(colon + 1) }
}
