import type { Identity } from '../projects.ts'
import type { Rules } from '../rules.ts'
import { accessDenied, S3Error } from '../s3-error.ts'
import type { Bucket } from '../state/bucket.ts'
import type { AclRecord, BucketRecord } from '../state/records.ts'
import { aclGrants, type Permission } from './acl.ts'
import type { Action } from './actions.ts'
import type { ConditionContext } from './conditions.ts'
import { evaluatePolicy, type Verdict } from './evaluate-policy.ts'
import { parsePolicy, type Policy } from './policy-document.ts'

/** Who asks, and what is known of the request. */
export interface Asker {
  readonly identity: Identity
  readonly context: ConditionContext
}

/** The policies of buckets as they are now: a record is replaced whenever it changes. */
const parsed = new WeakMap<Readonly<BucketRecord>, Policy>()

/**
 * Who may do what in one bucket. Collects what the policy says and what ACLs say, and which ACL that is depends on the
 * operation: the bucket's for listing and for writing objects, the object's own for reading it. The weight each has is
 * the server's ({@link Rules.decide}).
 */
export class Access {
  readonly #bucket: Bucket
  readonly #asker: Asker
  readonly #rules: Rules

  constructor(bucket: Bucket, asker: Asker, rules: Rules) {
    this.#bucket = bucket
    this.#asker = asker
    this.#rules = rules
  }

  /** Operations on the bucket itself that its ACL can grant. Throws AccessDenied. */
  requireBucket(action: Action, permission: Permission): void {
    this.#require(action, undefined, () => this.#bucketAcl(permission))
  }

  /** Operations on the bucket that only its owner or the policy can allow. Throws AccessDenied. */
  requireOwner(action: Action): void {
    this.#require(action, undefined, () => this.#ownsBucket())
  }

  /** Writing and deleting objects: the bucket's ACL decides, not the object's. Throws AccessDenied. */
  requireWrite(action: Action, objectKey: string): void {
    this.#require(action, objectKey, () => this.#bucketAcl('WRITE'))
  }

  /** As {@link requireWrite}, as a question: DeleteObjects answers it key by key. */
  mayWrite(action: Action, objectKey: string): boolean {
    return this.#allowed(action, objectKey, () => this.#bucketAcl('WRITE'))
  }

  /**
   * Reading an object, its ACL, or the parts of an upload: the thing's own ACL decides. Where there is no such thing,
   * only who may list the bucket is told so, or on some servers who might read it. Throws AccessDenied, or NoSuchKey.
   */
  requireObject(action: Action, objectKey: string, acl: AclRecord | undefined, permission: Permission): void {
    if (acl !== undefined) {
      this.#require(action, objectKey, () => this.#aclGrants(acl, permission))
      return
    }
    throw this.#isToldOfMissing(action, objectKey)
      ? new S3Error('NoSuchKey', 'there is no such object')
      : accessDenied()
  }

  #isToldOfMissing(action: Action, objectKey: string): boolean {
    switch (this.#rules.missingKey) {
      case 'by-listing':
        return this.#ownsBucket() || this.#allowed('s3:ListBucket', undefined, () => this.#bucketAcl('READ'))
      case 'by-request':
        return this.#allowed(action, objectKey, () => false)
      case 'to-all':
        return true
    }
  }

  #require(action: Action, objectKey: string | undefined, byAcl: () => boolean): void {
    if (!this.#allowed(action, objectKey, byAcl)) throw accessDenied()
  }

  #allowed(action: Action, objectKey: string | undefined, byAcl: () => boolean): boolean {
    return this.#rules.decide({
      action,
      anonymous: this.#asker.identity.anonymous,
      ownsBucket: this.#ownsBucket(),
      hasPolicy: this.#bucket.record.policy !== undefined,
      verdict: this.#verdict(action, objectKey),
      byAcl,
    })
  }

  #ownsBucket(): boolean {
    const { identity } = this.#asker
    return !identity.anonymous && identity.id === this.#bucket.record.ownerId
  }

  #bucketAcl(permission: Permission): boolean {
    return this.#aclGrants(this.#bucket.record.acl, permission)
  }

  #aclGrants(acl: AclRecord, permission: Permission): boolean {
    return aclGrants(acl, this.#asker.identity, permission, this.#rules.aclOwners)
  }

  #verdict(action: Action, objectKey: string | undefined): Verdict {
    const { record } = this.#bucket
    if (record.policy === undefined) return 'silent'
    const { policies, accounts } = this.#rules
    let policy = parsed.get(record)
    if (policy === undefined) {
      policy = parsePolicy(record.policy, record.tenant, policies)
      parsed.set(record, policy)
    }
    const resource = objectKey === undefined ? record.name : `${record.name}/${objectKey}`
    return evaluatePolicy(
      policy,
      { ...this.#asker, action, resource },
      {
        isPrincipal: (name, identity) => accounts.isPrincipal(name, identity),
        conditions: policies.conditions,
      },
    )
  }
}
