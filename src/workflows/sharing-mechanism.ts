import { aclRole } from '../storage/access/acl-grants.ts'
import type { GrantTerms } from '../storage/access/roles.ts'
import type { Provider, Support } from '../storage/provider/provider.ts'
import { AppError } from '../util/errors.ts'

/** How a server lets one project at another's bucket. */
export type Mechanism = 'policy' | 'acl'

/**
 * How access is given on a server: by policy, which also covers what is uploaded later; else by ACL. Throws UNSUPPORTED
 * where neither does anything, before anything is written.
 */
export function mechanismOf({ title, capabilities }: Provider): Mechanism {
  if (worthTrying(capabilities.policy)) return 'policy'
  if (worthTrying(capabilities.bucketAcl)) return 'acl'
  const isIgnored = capabilities.policy === 'ignored' || capabilities.bucketAcl === 'ignored'
  const why = isIgnored ? ': it accepts grants and ignores them' : ''
  throw new AppError('UNSUPPORTED', `${title} cannot share a bucket between users${why}`, {
    hints: [
      'ask whoever runs the server to let the other user in by its own means, or use another store',
      'if it is another kind of server: `sealift doctor` looks, --provider NAME says so',
    ],
  })
}

/**
 * Throws UNSUPPORTED for terms that a server cannot express, or would store and not enforce. What nobody has looked at counts as
 * unenforced: a limit that is ignored gives more than was said, and nobody would notice.
 */
export function checkEnforced(
  { title, capabilities }: Provider,
  mechanism: Mechanism,
  terms: GrantTerms,
): void {
  if (mechanism === 'acl') {
    // Refuses what ACLs have no words for.
    aclRole(terms)
    return
  }
  const limits = [
    ...(terms.until === undefined ? [] : ['--until']),
    ...(terms.fromIp === undefined ? [] : ['--from-ip']),
  ]
  if (limits.length > 0 && capabilities.policyConditions !== 'enforced') {
    throw unenforced(title, limits.join(' and '), capabilities.policyConditions)
  }
  // A depositor lists nothing but the key card, and where that can't be said it lists nothing.
  const isListed = terms.role !== 'depositor' && terms.prefix !== undefined
  if (isListed && capabilities.prefixCondition !== 'enforced') {
    throw unenforced(title, '--prefix for a role that lists', capabilities.prefixCondition)
  }
}

function worthTrying(support: Support): boolean {
  return support === 'enforced' || support === 'unknown'
}

function unenforced(title: string, what: string, support: Support): AppError {
  const isUnknown = support === 'unknown'
  return new AppError(
    'UNSUPPORTED',
    isUnknown ? `nobody has seen ${title} enforce ${what}` : `${title} does not enforce ${what}`,
    {
      hints: isUnknown
        ? ['if you know the server: --provider NAME; `sealift doctor` looks at it']
        : ['leave it out, and revoke the access yourself in time'],
    },
  )
}
