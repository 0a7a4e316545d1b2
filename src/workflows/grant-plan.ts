import type { Acl, AclPermission, PolicyDocument } from '../storage/access/access-store.ts'
import { aclRole, withAclGrants } from '../storage/access/acl-grants.ts'
import { withGrant, withSdConnectGrant } from '../storage/access/bucket-policy.ts'
import { canonicalIdOf } from '../storage/access/principal.ts'
import { checkedTerms, type GrantTerms } from '../storage/access/roles.ts'
import { AppError } from '../util/errors.ts'
import { ownedBucket, policyPrincipal, type KnownProject, type Sharing } from './sharing.ts'
import { checkEnforced } from './sharing-mechanism.ts'

/** What a grant will be written as. */
export type GrantPlan =
  | { mechanism: 'policy'; policy: PolicyDocument }
  | {
      mechanism: 'acl'
      acl: Acl
      canonicalId: string
      /** On every object that is there now. */
      objectPermissions: readonly AclPermission[]
    }

/**
 * Plans a grant from what was read, and finds everything that can be wrong with it. Throws UNSUPPORTED for what the
 * server cannot express or does not enforce, USAGE for the owner itself and for impossible terms.
 */
export function planGrant(
  sharing: Sharing,
  request: { project: KnownProject; terms: GrantTerms; sdConnect?: boolean | undefined },
): GrantPlan {
  const { project, sdConnect = false } = request
  const { provider, mechanism, policy, acl } = sharing
  const terms = checkedTerms(request.terms)
  checkEnforced(provider, mechanism, terms)
  if (mechanism === 'policy') {
    const principal = policyPrincipal(project, sharing)
    const add = sdConnect ? withSdConnectGrant : withGrant
    return { mechanism, policy: add(policy, ownedBucket(sharing), principal, terms) }
  }
  if (sdConnect) {
    throw new AppError('UNSUPPORTED', `SD Connect shares by bucket policy, and ${provider.title} has none`)
  }
  const role = aclRole(terms)
  const canonicalId = aclIdOf(project, sharing)
  return {
    mechanism,
    acl: withAclGrants(acl, canonicalId, role.bucket),
    canonicalId,
    objectPermissions: role.objects,
  }
}

function aclIdOf({ name, grantee }: KnownProject, { bucket, ownerId, provider }: Sharing): string {
  const canonicalId = canonicalIdOf(grantee, provider.dialect)
  if (canonicalId === undefined) {
    throw new AppError('UNSUPPORTED', `the ACLs of bucket ${bucket} cannot name ${name}`, {
      hints: ['write the project as the ACLs do: canonical:<id>'],
    })
  }
  if (canonicalId === ownerId) throw new AppError('USAGE', `${name} owns bucket ${bucket} and needs no grant`)
  return canonicalId
}
