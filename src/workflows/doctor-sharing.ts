import { randomBytes } from 'node:crypto'
import { sameGrants } from '../storage/access/acl-grants.ts'
import type { Acl } from '../storage/access/access-store.ts'
import type { Capabilities } from '../storage/provider/provider.ts'
import { check, examined, finding, isUnsupported, together, type Examined } from './doctor-finding.ts'
import { checkPolicies, type ScratchPlace } from './doctor-policies.ts'

/** Policies, ACLs and versions, written, read back and tried. Nobody else is ever let in. */
export async function checkSharing(place: ScratchPlace): Promise<Examined> {
  return together(
    await check('policy', 'warning', () => checkPolicies(place)),
    await check('bucket-acl', 'warning', () => bucketAcl(place)),
    await check('object-acl', 'warning', () => objectAcl(place)),
    await check('versioning', 'warning', () => versioning(place)),
  )
}

async function bucketAcl({ store, traces, signal }: ScratchPlace): Promise<Examined> {
  const { bucket } = traces
  const before = await readOrAbsent(() => store.bucketAcl(bucket, { signal }))
  if (before === undefined) return aclFinding('bucket', 'absent')
  const kept = await writeAcl(
    before,
    (acl) => store.putBucketAcl(bucket, acl, { signal }),
    () => store.bucketAcl(bucket, { signal }),
  )
  return aclFinding('bucket', kept)
}

async function objectAcl({ store, traces, signal }: ScratchPlace): Promise<Examined> {
  const { bucket } = traces
  const objectKey = `${traces.prefix}acl`
  await store.putObject(bucket, objectKey, randomBytes(16), { signal })
  const before = await readOrAbsent(() => store.objectAcl(bucket, objectKey, { signal }))
  if (before === undefined) return aclFinding('object', 'absent')
  const kept = await writeAcl(
    before,
    (acl) => store.putObjectAcl(bucket, objectKey, acl, { signal }),
    () => store.objectAcl(bucket, objectKey, { signal }),
  )
  return aclFinding('object', kept)
}

/** Undefined where the server says that it has no such thing; an answer that is no ACL is a failure. */
async function readOrAbsent(read: () => Promise<Acl>): Promise<Acl | undefined> {
  try {
    return await read()
  } catch (error) {
    if (isUnsupported(error) && error.status !== undefined) return undefined
    throw error
  }
}

/** Grants the owner what it has anyhow, once more, and puts the ACL back as it was. */
async function writeAcl(
  before: Acl,
  put: (acl: Acl) => Promise<void>,
  get: () => Promise<Acl>,
): Promise<'stored' | 'ignored' | 'absent'> {
  const { ownerId, grants } = before
  const wanted: Acl = {
    ownerId,
    grants: [...grants, { grantee: { type: 'canonical', id: ownerId }, permission: 'READ' }],
  }
  try {
    await put(wanted)
  } catch (error) {
    if (!isUnsupported(error)) throw error
    return 'absent'
  }
  const kept = sameGrants(wanted, await get())
  await put(before)
  return kept ? 'stored' : 'ignored'
}

function aclFinding(what: 'bucket' | 'object', kept: 'stored' | 'ignored' | 'absent'): Examined {
  const name = `${what}-acl`
  const seen = (support: 'ignored' | 'absent'): Partial<Capabilities> =>
    what === 'bucket' ? { bucketAcl: support } : { objectAcl: support }
  switch (kept) {
    case 'stored':
      return examined(
        finding(
          name,
          'ok',
          `a grant in the ACL of ${article(what)} is kept; that it counts only its grantee's requests show`,
        ),
      )
    case 'ignored':
      return examined(
        finding(name, 'warning', `a grant in the ACL of ${article(what)} is accepted and not kept`),
        seen('ignored'),
      )
    case 'absent':
      return examined(
        finding(name, 'warning', `the server takes no grants in the ACL of ${article(what)}`),
        seen('absent'),
      )
  }
}

function article(what: 'bucket' | 'object'): string {
  return what === 'bucket' ? 'a bucket' : 'an object'
}

async function versioning({ store, traces, signal }: ScratchPlace): Promise<Examined> {
  const { bucket } = traces
  const objectKey = `${traces.prefix}version`
  const none = 'overwritten and deleted objects are gone: a depositor could destroy what is there'
  try {
    await store.enableVersioning(bucket, { signal })
  } catch (error) {
    if (!isUnsupported(error)) throw error
    return examined(finding('versioning', 'warning', `the server keeps no versions: ${none}`), {
      versioning: 'absent',
    })
  }
  await store.putObject(bucket, objectKey, randomBytes(16), { signal })
  await store.putObject(bucket, objectKey, randomBytes(16), { signal })
  const versions = new Set<string>()
  for await (const entry of store.listVersions(bucket, { prefix: objectKey, signal }))
    versions.add(entry.versionId)
  if (versions.size >= 2) {
    return examined(finding('versioning', 'ok', 'overwritten versions are kept'), { versioning: 'enforced' })
  }
  return examined(finding('versioning', 'warning', `versioning is accepted and without effect: ${none}`), {
    versioning: 'ignored',
  })
}
