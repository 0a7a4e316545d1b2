import { describe, expect, it } from 'vitest'
import type { PolicyStatement } from '../../../src/storage/access/access-store.ts'
import { withGrant, withoutGrantee } from '../../../src/storage/access/bucket-policy.ts'
import { ownerPrincipal, type Principal } from '../../../src/storage/access/principal.ts'
import { ROLES, type GrantTerms } from '../../../src/storage/access/roles.ts'
import { providerNamed } from '../../../src/storage/provider/providers.ts'
import { PROBE_OPERATIONS } from '../../../src/workflows/access-probe.ts'
import type { Sharing } from '../../../src/workflows/sharing.ts'
import { expectationOf, hasNothing, rightsOf } from '../../../src/workflows/verify-expectation.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const bucket = 'inbox'
const owner = ownerPrincipal('group', 'rgw')
const producer: Principal = { kind: 'AWS', value: 'arn:aws:iam:::user/producer' }

function sharingWith(statements: readonly PolicyStatement[], grants: Sharing['acl']['grants'] = []): Sharing {
  return {
    bucket,
    provider: providerNamed('ceph'),
    ownerId: 'group',
    acl: { ownerId: 'group', grants },
    policy: { Statement: statements },
    mechanism: 'policy',
  }
}

function granted(terms: GrantTerms): Sharing {
  return sharingWith(withGrant(undefined, { bucket, owner }, producer, terms).Statement)
}

const everywhere = (sharing: Sharing, canonicalId: string | undefined): Set<string> => {
  const rights = rightsOf(sharing, canonicalId, NOW)
  return new Set(
    ['', 'keys/', 'run_12/'].flatMap((place) =>
      PROBE_OPERATIONS.map((operation) => expectationOf(rights, { operation, place }, sharing)),
    ),
  )
}

describe('what is expected of a bucket', () => {
  it.each(ROLES)('the owner may everything and strangers nothing, whoever is %s', (role) => {
    const sharing = granted({ role })
    expect(everywhere(sharing, 'group')).toEqual(new Set(['allowed']))
    for (const stranger of ['other', 'tenant$producer', undefined]) {
      expect(hasNothing(rightsOf(sharing, stranger, NOW))).toBe(true)
    }
    expect(everywhere(sharing, undefined)).toEqual(new Set(['denied', 'allowed']))
  })

  it.each([
    ['depositor', '', 'PutObject', 'allowed'],
    ['depositor', '', 'GetObject', 'denied'],
    ['depositor', 'keys/', 'GetObject', 'allowed'],
    ['depositor', 'keys/', 'PutObject', 'denied'],
    ['depositor', '', 'ListObjectsV2', 'denied'],
    ['depositor', 'keys/', 'ListObjectsV2', 'allowed'],
    ['reader', '', 'GetObject', 'allowed'],
    ['reader', '', 'PutObject', 'denied'],
    ['collaborator', '', 'DeleteObject', 'allowed'],
    ['collaborator', '', 'DeleteObject of a version', 'denied'],
    ['collaborator', 'keys/', 'DeleteObject', 'denied'],
    ['collaborator', '', 'GetBucketPolicy', 'denied'],
  ] as const)('%s below %j: %s is %s', (role, place, operation, expected) => {
    const sharing = granted({ role })
    const rights = rightsOf(sharing, 'producer', NOW)
    expect(expectationOf(rights, { operation, place }, sharing)).toBe(expected)
  })

  it('a prefix ends where it ends', () => {
    const sharing = granted({ role: 'reader', prefix: 'run_12/' })
    const rights = rightsOf(sharing, 'producer', NOW)
    const read = (place: string) => expectationOf(rights, { operation: 'GetObject', place }, sharing)
    expect([read('run_12/'), read('run_13/'), read('')]).toEqual(['allowed', 'denied', 'denied'])
  })

  it('a grant that has ended, and one that was revoked, leave nothing', () => {
    const ended = granted({ role: 'collaborator', until: new Date('2026-11-20T00:00:00Z') })
    const own = 'GetObject of its own upload'
    const rights = rightsOf(ended, 'producer', NOW)
    expect(hasNothing(rights)).toBe(true)
    expect(expectationOf(rights, { operation: 'GetObject' }, ended)).toBe('denied')
    const { policy } = withoutGrantee(granted({ role: 'collaborator' }).policy, { bucket, owner }, producer)
    const revoked = sharingWith(policy.Statement)
    expect(everywhere(revoked, 'producer')).toEqual(new Set(['denied']))
    expect(expectationOf(rightsOf(revoked, 'producer', NOW), { operation: own }, revoked)).toBe('denied')
  })

  it('what cannot be judged is neither expected nor denied', () => {
    const web = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: '*' } as const
    const open = sharingWith([web])
    expect(everywhere(open, undefined)).toEqual(new Set(['unclear', 'allowed']))
    const from = granted({ role: 'reader', fromIp: '192.0.2.0/24' })
    const rights = rightsOf(from, 'producer', NOW)
    expect(expectationOf(rights, { operation: 'GetObject', place: '' }, from)).toBe('unclear')
    expect(expectationOf(rights, { operation: 'PutObject', place: '' }, from)).toBe('denied')
    const byAcl = sharingWith([], [{ grantee: { type: 'canonical', id: 'producer' }, permission: 'READ' }])
    expect(hasNothing(rightsOf(byAcl, 'producer', NOW))).toBe(false)
    expect(hasNothing(rightsOf(byAcl, 'other', NOW))).toBe(true)
    const locked = { ...web, Effect: 'Deny' } as const
    expect(everywhere(sharingWith([locked]), 'group')).toEqual(new Set(['unclear']))
  })

  it('a pattern or an ARN that cannot be compared leaves its reach open', () => {
    const pattern = {
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam:::user/*' },
      Action: 's3:*',
      Resource: '*',
    }
    const rights = rightsOf(sharingWith([pattern as PolicyStatement]), 'producer', NOW)
    expect(rights).toMatchObject({ isUntold: true, roles: [] })
  })
})
