import { createHash } from 'node:crypto'
import { linkSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { fullControl, privateAcl } from '../../src/sandbox/access/acl.ts'
import { personalities } from '../../src/sandbox/personality/personalities.ts'
import type { PersonalityName } from '../../src/sandbox/personality/names.ts'
import type { SandboxProject } from '../../src/sandbox/projects.ts'
import { Buckets } from '../../src/sandbox/state/buckets.ts'
import { claimDirectory } from '../../src/sandbox/state/directory.ts'
import type { AclRecord } from '../../src/sandbox/state/records.ts'

/** Most names one file may have: ext4 stops at 65 000. */
const maxLinks = 30_000

/** An object of a bucket that is made in one go. */
export interface SeededObject {
  objectKey: string
  /** Whose it is; the bucket owner's when absent. */
  owner?: SandboxProject
  /** Whether its ACL lets the bucket's owner in as well. */
  readableByOwner?: boolean
  /** Further grants. */
  grants?: AclRecord['grants']
}

/**
 * Makes a folder that `startSandbox` opens, with a bucket of many small objects: about a tenth of the time that sending
 * them takes. Their bytes are shared by hard links, and any of them can be deleted or overwritten as ever.
 */
export function seedBucket(
  directory: string,
  options: {
    bucket: string
    owner: SandboxProject
    objects: Iterable<SeededObject>
    personality?: PersonalityName
    body?: Uint8Array
  },
): void {
  const { accounts } = personalities[options.personality ?? 'rgw'].rules
  const { body = Buffer.from('a small object') } = options
  claimDirectory(directory, { accounts: accounts.kind })
  const buckets = new Buckets(directory)
  const owner = accounts.identify(options.owner)
  const createdAt = new Date().toISOString()
  buckets.create({
    tenant: owner.tenant,
    name: options.bucket,
    ownerId: owner.id,
    createdAt,
    versioning: 'off',
    acl: privateAcl(owner.id),
  })
  const bucket = buckets.find(options.bucket, owner.tenant)
  if (bucket === undefined) throw new Error('the bucket is not there')
  const nextFile = contentFiles(join(directory, 'content'), body)
  const etag = createHash('md5').update(body).digest('hex')
  for (const { objectKey, owner: uploader, readableByOwner = false, grants = [] } of options.objects) {
    const acl = privateAcl(uploader === undefined ? owner.id : accounts.identify(uploader).id)
    bucket.addVersion(objectKey, {
      kind: 'object',
      versionId: 'null',
      lastModified: createdAt,
      size: body.length,
      etag,
      pieces: [{ file: nextFile(), size: body.length }],
      headers: { 'content-type': 'binary/octet-stream' },
      acl: {
        ownerId: acl.ownerId,
        grants: [...acl.grants, ...(readableByOwner ? [fullControl(owner.id)] : []), ...grants],
      },
    })
  }
}

/** `count` keys as of runs with many small files each. */
export function* manyKeys(count: number): Generator<string> {
  for (let index = 0; index < count; index++) {
    const number = String(index).padStart(7, '0')
    yield `run_${number.slice(0, 4)}/sample_${number}.fastq.gz.c4gh`
  }
}

/** Gives the name of a new file with the bytes, again and again. */
function contentFiles(folder: string, body: Uint8Array): () => string {
  let [original, links] = ['', maxLinks]
  return () => {
    const file = randomUUID()
    if (links >= maxLinks) {
      writeFileSync(join(folder, file), body, { mode: 0o600 })
      ;[original, links] = [file, 1]
    } else {
      linkSync(join(folder, original), join(folder, file))
      links++
    }
    return file
  }
}
