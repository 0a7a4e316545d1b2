import type { Identity } from '../projects.ts'
import { accessDenied, S3Error } from '../s3-error.ts'
import type { Bucket } from '../state/bucket.ts'
import type { AclRecord } from '../state/records.ts'
import { aclGrants, type Permission } from './acl.ts'
import type { Action } from './actions.ts'
import type { ConditionContext } from './conditions.ts'
import { evaluatePolicy, type Verdict } from './evaluate-policy.ts'
import { parsePolicy } from './policy-document.ts'

/** Who asks, and what is known of the request. */
export interface Asker {
  readonly identity: Identity
  readonly context: ConditionContext
}

/**
 * The rules of Ceph RGW 16.2 for one bucket. The policy speaks first: Deny refuses whoever asks, the owner included,
 * and Allow permits. Where it is silent an ACL decides, and which one depends on the operation:
 * the bucket's for listing and for writing objects, the object's own for reading it. Objects belong to who uploaded
 * them, so a bucket's owner can't read what others put there unless their ACL or the policy says so.
 */
export class Access {
  readonly #bucket: Bucket
  readonly #asker: Asker

  constructor(bucket: Bucket, asker: Asker) {
    this.#bucket = bucket
    this.#asker = asker
  }

  /** Operations on the bucket itself that its ACL can grant. Throws AccessDenied. */
  requireBucket(action: Action, permission: Permission): void {
    this.#require(this.#verdict(action), () => this.#bucketAcl(permission))
  }

  /** Operations on the bucket that only its owner or the policy can allow. Throws AccessDenied. */
  requireOwner(action: Action): void {
    this.#require(this.#verdict(action), () => this.#isOwner())
  }

  /** Writing and deleting objects: the bucket's ACL decides, not the object's. Throws AccessDenied. */
  requireWrite(action: Action, objectKey: string): void {
    this.#require(this.#verdict(action, objectKey), () => this.#bucketAcl('WRITE'))
  }

  /** As {@link requireWrite}, as a question: DeleteObjects answers it key by key. */
  mayWrite(action: Action, objectKey: string): boolean {
    const verdict = this.#verdict(action, objectKey)
    return verdict === 'allow' || (verdict === 'silent' && this.#bucketAcl('WRITE'))
  }

  /**
   * Reading an object, its ACL or the parts of an upload: the thing's own ACL decides. Where there is no such thing,
   * only who may list the bucket is told so. Throws AccessDenied, or NoSuchKey.
   */
  requireObject(action: Action, objectKey: string, acl: AclRecord | undefined, permission: Permission): void {
    if (acl === undefined) {
      const listable = this.#verdict('s3:ListBucket')
      if (this.#isOwner() || listable === 'allow' || (listable === 'silent' && this.#bucketAcl('READ'))) {
        throw new S3Error('NoSuchKey', 'there is no such object')
      }
      throw accessDenied()
    }
    this.#require(this.#verdict(action, objectKey), () => aclGrants(acl, this.#asker.identity, permission))
  }

  #require(verdict: Verdict, otherwise: () => boolean): void {
    if (verdict === 'allow' || (verdict === 'silent' && otherwise())) return
    throw accessDenied()
  }

  #isOwner(): boolean {
    const { identity } = this.#asker
    return !identity.anonymous && identity.id === this.#bucket.record.ownerId
  }

  #bucketAcl(permission: Permission): boolean {
    return aclGrants(this.#bucket.record.acl, this.#asker.identity, permission)
  }

  #verdict(action: Action, objectKey?: string): Verdict {
    const { policy, tenant, name } = this.#bucket.record
    if (policy === undefined) return 'silent'
    const resource = objectKey === undefined ? name : `${name}/${objectKey}`
    return evaluatePolicy(parsePolicy(policy, tenant), { ...this.#asker, action, resource })
  }
}
