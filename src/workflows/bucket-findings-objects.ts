import type { Acl, AclGrant, AclPermission } from '../storage/access/access-store.ts'
import { aclEntries } from '../storage/access/access-entries.ts'
import { isBlocked } from '../storage/access/bucket-policy.ts'
import { granteeOfCanonicalId, principalOf } from '../storage/access/principal.ts'
import { StorageError } from '../storage/errors.ts'
import type { ObjectEntry } from '../storage/object-store.ts'
import type { Store } from '../storage/store.ts'
import { hasCode } from '../util/errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import type { Recognition, Whom } from './bucket-findings-people.ts'
import type { Sharing } from './sharing.ts'

/** Requests at a time: one small one per object, and there may be hundreds of thousands. */
const CONCURRENCY = 32

/** Object keys that are named; the others are counted. */
const NAMED_OBJECTS = 10

/** Identities that are told apart. A bucket that names more of them in its objects' ACLs is odd enough to be told so. */
const IDENTITY_LIMIT = 1000

/** Some objects: part of the --json contract. */
export interface ObjectSample {
  count: number
  /** Keys of ten of them at most. */
  examples: string[]
}

/** What the ACLs of single objects give to somebody: part of the --json contract. */
interface ObjectGrants extends Whom, ObjectSample {
  /** How many of the objects it owns: it can read them whatever they grant. */
  owned: number
  permissions: AclPermission[]
  /** True for everyone, or everyone with an account. */
  public: boolean
  /** True when the policy denies it by name, above all that. */
  blocked: boolean
}

/** What single objects say about access: part of the --json contract. */
export interface ObjectFindings {
  /** How many objects there are; their newest versions alone. */
  count: number
  /** By who is let in, who has most of them first. */
  grants: ObjectGrants[]
  /** Objects with grants to identities beyond the first thousand. */
  uncounted: number
  /** The caller gets 403 for them: they belong to others, who did not let it in. */
  unreadable: ObjectSample
  /** Nobody knows who may read them: their ACL cannot be read, though they can. */
  hidden: ObjectSample
  /** Why ACLs were not looked at. */
  skipped?: string
}

/**
 * Looks at the ACL of every object and at whether the caller can read it; constant memory, one request per object and
 * a second one for each that may be unreadable. `onLooked` is told after each.
 */
export async function objectFindings(
  store: Store,
  sharing: Sharing,
  recognised: Recognition,
  { onLooked, signal }: { onLooked?: (() => void) | undefined; signal?: AbortSignal | undefined } = {},
): Promise<ObjectFindings> {
  const { bucket, provider } = sharing
  const summary = new ObjectSummary(sharing, recognised)
  let skipped =
    provider.capabilities.objectAcl === 'ignored' ? `${provider.title} ignores object ACLs` : undefined

  const aclOf = async ({ objectKey }: ObjectEntry): Promise<Acl | 'hidden' | 'none'> => {
    if (skipped !== undefined) return 'none'
    try {
      return await store.objectAcl(bucket, objectKey, { signal })
    } catch (error) {
      if (hasCode(error, 'ACCESS_DENIED')) return 'hidden'
      if (!hasCode(error, 'UNSUPPORTED')) throw error
      // Without a status it is the answer about this one object that is not understood; a server that has object ACLs
      // does not lack them for this one either.
      const isKnown = provider.capabilities.objectAcl === 'enforced'
      if (isKnown || !(error instanceof StorageError) || error.status === undefined) return 'hidden'
      skipped = `${provider.title} has no object ACLs`
      return 'none'
    }
  }
  const look = async (entry: ObjectEntry): Promise<void> => {
    try {
      const acl = await aclOf(entry)
      const isDoubtful = acl === 'hidden' || !givesOwner(acl, entry, sharing.ownerId)
      const isReadable = !isDoubtful || (await canRead(store, bucket, entry.objectKey, signal))
      summary.add(entry, acl, isReadable)
    } catch (error) {
      // It was deleted meanwhile.
      if (!hasCode(error, 'OBJECT_NOT_FOUND')) throw error
    }
    onLooked?.()
  }
  await forEachPulled(store.listObjects(bucket, { signal }), CONCURRENCY, look, signal)
  return { ...summary.result(), ...(skipped === undefined ? {} : { skipped }) }
}

/** True when the bucket's owner reads the object by owning it, or by its ACL. */
function givesOwner(acl: Acl | 'none', { ownerId }: ObjectEntry, bucketOwnerId: string): boolean {
  if (acl === 'none') return ownerId === undefined || ownerId === '' || ownerId === bucketOwnerId
  return acl.grants.some(
    ({ grantee, permission }) =>
      grantee.type === 'canonical' &&
      grantee.id === bucketOwnerId &&
      (permission === 'READ' || permission === 'FULL_CONTROL'),
  )
}

/** A policy may let in whom the ACL does not: the server is asked. */
async function canRead(
  store: Store,
  bucket: string,
  objectKey: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await store.headObject(bucket, objectKey, { signal })
    return true
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED')) return false
    throw error
  }
}

/** Counts objects by who is let in. */
class ObjectSummary {
  readonly #sharing: Sharing
  readonly #recognised: Recognition
  readonly #grants = new Map<string, ObjectGrants>()
  readonly #unreadable: ObjectSample = { count: 0, examples: [] }
  readonly #hidden: ObjectSample = { count: 0, examples: [] }
  #count = 0
  #uncounted = 0

  constructor(sharing: Sharing, recognised: Recognition) {
    this.#sharing = sharing
    this.#recognised = recognised
  }

  add(entry: ObjectEntry, acl: Acl | 'hidden' | 'none', isReadable: boolean): void {
    const { objectKey } = entry
    this.#count += 1
    if (!isReadable) addTo(this.#unreadable, objectKey)
    else if (acl === 'hidden') addTo(this.#hidden, objectKey)
    const isRead = acl !== 'hidden' && acl !== 'none'
    const { ownerId } = isRead ? acl : entry
    const isForeign = ownerId !== undefined && ownerId !== '' && ownerId !== this.#sharing.ownerId
    if (isForeign) this.#addOwned(ownerId, objectKey)
    if (isRead) this.#addGrants(acl, objectKey, isForeign ? ownerId : undefined)
  }

  result(): Omit<ObjectFindings, 'skipped'> {
    const grants = [...this.#grants.values()]
      .map((one) => ({ ...one, permissions: one.permissions.toSorted() }))
      .sort((a, b) => b.count - a.count || (a.who < b.who ? -1 : 1))
    return {
      count: this.#count,
      grants: grants.map((one) => ({ ...one, examples: one.examples.toSorted() })),
      uncounted: this.#uncounted,
      unreadable: { ...this.#unreadable, examples: this.#unreadable.examples.toSorted() },
      hidden: { ...this.#hidden, examples: this.#hidden.examples.toSorted() },
    }
  }

  #addOwned(ownerId: string, objectKey: string): void {
    const grants = this.#grantsOf(ownerId, undefined)
    if (grants === undefined) {
      this.#uncounted += 1
      return
    }
    grants.owned += 1
    addTo(grants, objectKey)
  }

  #addGrants({ grants }: Acl, objectKey: string, objectOwnerId: string | undefined): void {
    const seen = new Set<ObjectGrants>()
    for (const grant of grants) {
      const { grantee, permission } = grant
      const id = grantee.type === 'group' ? grantee.uri : grantee.id
      if (id === this.#sharing.ownerId || id === '') continue
      const theirs = this.#grantsOf(id, grant)
      if (theirs === undefined) {
        this.#uncounted += 1
        continue
      }
      if (!theirs.permissions.includes(permission)) theirs.permissions.push(permission)
      // The owner of the object is counted already.
      if (seen.has(theirs) || id === objectOwnerId) continue
      seen.add(theirs)
      addTo(theirs, objectKey)
    }
  }

  #grantsOf(id: string, grant: AclGrant | undefined): ObjectGrants | undefined {
    const found = this.#grants.get(id)
    if (found !== undefined) return found
    if (this.#grants.size >= IDENTITY_LIMIT) return undefined
    const made = { ...this.#whomOf(id, grant), owned: 0, permissions: [], count: 0, examples: [] }
    this.#grants.set(id, made)
    return made
  }

  #whomOf(id: string, grant: AclGrant | undefined): Whom & Pick<ObjectGrants, 'public' | 'blocked'> {
    const { bucket, policy, ownerId, provider } = this.#sharing
    if (grant?.grantee.type === 'group') {
      const [group] = aclEntries({ ownerId, grants: [grant] }, provider.dialect)
      return { who: group?.who ?? id, public: true, blocked: false }
    }
    const principal = principalOf(granteeOfCanonicalId(id, provider.dialect), provider.dialect)
    const blocked = principal !== undefined && isBlocked(policy, bucket, principal)
    return { ...this.#recognised.ofCanonicalId(id), public: false, blocked }
  }
}

function addTo(sample: ObjectSample, objectKey: string): void {
  sample.count += 1
  if (sample.examples.length < NAMED_OBJECTS) sample.examples.push(objectKey)
}
