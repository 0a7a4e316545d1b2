import type { PolicyDocument, PolicyStatement } from '../storage/access/access-store.ts'
import { principalsOf } from '../storage/access/bucket-policy.ts'
import { sameStatement } from '../storage/access/policy-comparison.ts'
import { principalCovers, sameProject, type Principal } from '../storage/access/principal.ts'
import { OWNER_SID } from '../storage/access/sid.ts'
import type { Store } from '../storage/store.ts'
import { AppError } from '../util/errors.ts'

/**
 * Refuses a policy that would deny the bucket's owner under another name. AWS shows the owner of a bucket as a
 * canonical id, people name accounts by ARN, and nothing but the server knows which belong together. It tells when it
 * gives back the ARN for the id in a policy: so the owner's own statement is written first, alone.
 *
 * @throws AppError USAGE; the policy is then as it was
 */
export async function refuseOwnerLockOut(
  store: Store,
  bucket: string,
  seen: PolicyDocument | undefined,
  wanted: PolicyDocument,
  signal?: AbortSignal,
): Promise<void> {
  const own = wanted.Statement.find(({ Sid }) => Sid === OWNER_SID)
  const isNew = (statement: PolicyStatement): boolean =>
    seen?.Statement.some((one) => sameStatement(one, statement)) !== true
  const denied = wanted.Statement.filter((statement) => statement.Effect === 'Deny' && isNew(statement))
    .flatMap(principalsOf)
    .filter(({ kind }) => kind === 'AWS')
  const isSpelledOtherwise = own !== undefined && principalsOf(own)[0]?.kind === 'CanonicalUser'
  if (!isSpelledOtherwise || denied.length === 0) return

  const others = (seen?.Statement ?? []).filter(({ Sid }) => Sid !== OWNER_SID)
  const first = { ...wanted, Statement: [own, ...others] }
  await store.putBucketPolicy(bucket, first, { signal })
  const spelled = storedOwner(own, await store.bucketPolicy(bucket, { signal }))
  if (spelled === undefined || !denied.some((one) => isSame(one, spelled))) return
  if (seen === undefined) await store.deleteBucketPolicy(bucket, { signal })
  else await store.putBucketPolicy(bucket, seen, { signal })
  throw new AppError('USAGE', `${spelled.value} is the owner of bucket ${bucket}`, {
    hints: ['name the other project: the owner needs no grant and cannot be shut out'],
  })
}

/** The owner as the server spells it in its policy; undefined when our statement for it is not there. */
export function storedOwner(own: PolicyStatement, policy: PolicyDocument | undefined): Principal | undefined {
  const stored = policy?.Statement.find((statement) => sameStatement(own, statement))
  return stored === undefined ? undefined : principalsOf(stored)[0]
}

function isSame(a: Principal, b: Principal): boolean {
  return sameProject(a, b) || principalCovers(a, b) || principalCovers(b, a)
}
