import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policyEntries } from '../../../src/storage/access/access-entries.ts'
import type { PolicyDocument, PolicyStatement } from '../../../src/storage/access/access-store.ts'
import {
  isBlocked,
  statementsReaching,
  withGrant,
  withoutAnyGrant,
  withoutGrantee,
} from '../../../src/storage/access/bucket-policy.ts'
import { serializeGrantee } from '../../../src/storage/access/grantee.ts'
import { policyDifferences, samePolicy, valuesOf } from '../../../src/storage/access/policy-comparison.ts'
import { ownerPrincipal, principalOf } from '../../../src/storage/access/principal.ts'
import { checkedTerms, roleStatements } from '../../../src/storage/access/roles.ts'
import { foreignStatements, grantees, terms } from './arbitraries.ts'

const HERE = { bucket: 'inbox', owner: ownerPrincipal('project_2000222', 'rgw') }
const PRODUCER = { kind: 'AWS', value: 'arn:aws:iam:::user/project_2000111' } as const
const OTHER = { kind: 'AWS', value: 'arn:aws:iam:::user/project_2000333' } as const
const NOW = new Date('2026-11-21T12:00:00Z')

const policyOf = (...statements: PolicyStatement[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements,
})
const isForeign = ({ Sid }: PolicyStatement): boolean => Sid?.startsWith('Sealift') !== true
const allowsOf = (statements: readonly PolicyStatement[]): string[] =>
  statements.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => [...valuesOf(Action)])

describe('a grant in a bucket policy', () => {
  it('leaves the statements of others as they are and in order', () => {
    fc.assert(
      fc.property(foreignStatements, grantees, terms, (foreign, grantee, granted) => {
        const policy = withGrant(policyOf(...foreign), HERE, principalOf(grantee, 'rgw')!, granted)
        expect(policy.Statement.filter(isForeign)).toEqual(foreign)
      }),
    )
  })

  it('given twice is given once, and the last terms count', () => {
    fc.assert(
      fc.property(foreignStatements, grantees, terms, terms, (foreign, grantee, first, second) => {
        const principal = principalOf(grantee, 'rgw')!
        const once = withGrant(policyOf(...foreign), HERE, principal, second)
        const after = withGrant(
          withGrant(policyOf(...foreign), HERE, principal, first),
          HERE,
          principal,
          second,
        )
        expect(after).toEqual(once)
      }),
    )
  })

  it('is described as it was given', () => {
    fc.assert(
      fc.property(foreignStatements, grantees, terms, (foreign, grantee, granted) => {
        const policy = withGrant(policyOf(...foreign), HERE, principalOf(grantee, 'rgw')!, granted)
        const entry = policyEntries(policy, 'inbox', NOW, 'rgw').find(
          ({ who }) => who === serializeGrantee(grantee),
        )
        const { role, until, prefix, fromIp } = checkedTerms(granted)
        expect(entry).toMatchObject({ access: role, mechanism: 'policy', public: false })
        expect(entry?.until).toBe(until?.toISOString())
        expect(entry?.prefix).toBe(prefix)
        expect(entry?.fromIp).toBe(fromIp)
      }),
    )
  })

  it('survives what servers do to a policy: other order, one value for a list of one', () => {
    fc.assert(
      fc.property(
        foreignStatements,
        grantees,
        terms,
        fc.func(fc.nat()),
        (foreign, grantee, granted, rank) => {
          const policy = withGrant(policyOf(...foreign), HERE, principalOf(grantee, 'rgw')!, granted)
          const rewritten = policy.Statement.map((statement) => ({
            ...statement,
            Action: unlisted([...valuesOf(statement.Action)].reverse()),
            Resource: unlisted([...valuesOf(statement.Resource)].reverse()),
          })).sort((a, b) => rank(a) - rank(b))
          expect(policyDifferences(policy, policyOf(...rewritten))).toEqual([])
          expect(samePolicy(policy, policyOf(...rewritten.slice(1)))).toBe(false)
        },
      ),
    )
  })

  it('is compared by what it means: a wider one is another', () => {
    const policy = withGrant(undefined, HERE, PRODUCER, { role: 'depositor' })
    const wider = policyOf(
      ...policy.Statement.map((statement) =>
        statement.Sid?.startsWith('SealiftDepositorData') === true
          ? { ...statement, Action: [...valuesOf(statement.Action), 's3:GetObject'] }
          : statement,
      ),
    )
    expect(policyDifferences(policy, wider)).toHaveLength(2)
    // A role that somebody widened is not called by the role's name any more.
    expect(policyEntries(wider, 'inbox', NOW, 'rgw').map(({ access }) => access)).not.toContain('depositor')
  })

  it('counts as kept where AWS shows the account behind a canonical id', () => {
    const canonical = { kind: 'CanonicalUser', value: 'a'.repeat(64) } as const
    const policy = withGrant(undefined, HERE, canonical, { role: 'reader' })
    const shown = policyOf(
      ...policy.Statement.map((statement) =>
        JSON.stringify(statement.Principal).includes(canonical.value)
          ? { ...statement, Principal: { AWS: 'arn:aws:iam::123456789012:root' } }
          : statement,
      ),
    )
    expect(policyDifferences(policy, shown)).toEqual([])
    expect(policyEntries(shown, 'inbox', NOW, 'rgw').find(({ access }) => access === 'reader')).toBeDefined()
  })

  it('is refused for the owner, and for the account that holds the owner', () => {
    const inTenant = { bucket: 'inbox', owner: ownerPrincipal('proj222$proj222', 'rgw') }
    for (const value of ['arn:aws:iam::proj222:user/proj222', 'arn:aws:iam::proj222:root']) {
      const usage = expect.objectContaining({ code: 'USAGE' }) as Error
      expect(() => withGrant(undefined, inTenant, { kind: 'AWS', value }, { role: 'reader' })).toThrow(usage)
      expect(() => withoutGrantee(undefined, inTenant, { kind: 'AWS', value })).toThrow(usage)
    }
  })

  it('is refused for everyone', () => {
    const usage = expect.objectContaining({ code: 'USAGE' }) as Error
    expect(() => withGrant(undefined, HERE, { kind: 'AWS', value: '*' }, { role: 'reader' })).toThrow(usage)
  })
})

describe('roles', () => {
  it('a depositor is allowed to write data and to read the key card, nothing else', () => {
    const statements = roleStatements('inbox', PRODUCER, { role: 'depositor' })
    const data = statements.filter(({ Resource }) => valuesOf(Resource).includes('arn:aws:s3:::inbox/*'))
    expect(allowsOf(data)).toEqual(['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'])
    const listing = statements.find(({ Action }) => valuesOf(Action).includes('s3:ListBucket'))
    expect(listing?.Condition).toEqual({ StringLike: { 's3:prefix': ['keys/*'] } })
    expect(allowsOf(statements)).not.toContain('s3:ListBucketMultipartUploads')
  })

  it('nobody may write the key card', () => {
    fc.assert(
      fc.property(grantees, terms, (grantee, granted) => {
        const statements = roleStatements('inbox', principalOf(grantee, 'rgw')!, granted)
        if (!allowsOf(statements).includes('s3:PutObject')) return
        const locked = statements.find(({ Effect }) => Effect === 'Deny')
        expect(locked?.Resource).toEqual(['arn:aws:s3:::inbox/keys/*'])
        expect(locked?.Condition).toBeUndefined()
        expect(locked?.Action).toEqual(
          expect.arrayContaining(['s3:PutObject', 's3:DeleteObject', 's3:PutObjectAcl']),
        )
      }),
    )
  })

  it('every Allow carries the end and the address, and Sids are letters and digits', () => {
    fc.assert(
      fc.property(grantees, terms, (grantee, granted) => {
        for (const { Sid, Effect, Condition } of roleStatements(
          'inbox',
          principalOf(grantee, 'rgw')!,
          granted,
        )) {
          expect(Sid).toMatch(/^[A-Za-z0-9]+$/)
          if (Effect === 'Deny') continue
          expect(Condition?.['DateLessThan'] !== undefined).toBe(granted.until !== undefined)
          expect(Condition?.['IpAddress']?.['aws:SourceIp']).toBe(granted.fromIp)
        }
      }),
    )
  })

  it('names the bucket without its tenant, as Ceph RGW demands', () => {
    const [data] = roleStatements('proj222:inbox', PRODUCER, { role: 'depositor' })
    expect(data?.Resource).toEqual(['arn:aws:s3:::inbox/*'])
  })

  it.each(['*', 'run_?/', '${aws:username}/', 'keys/', 'keys/mine', '/run'])(
    'refuses the prefix %s',
    (prefix) => {
      const usage = expect.objectContaining({ code: 'USAGE' }) as Error
      expect(() => checkedTerms({ role: 'reader', prefix })).toThrow(usage)
    },
  )

  it.each(['10.0.0.0/0', '10.0.0.0/33', 'example.org', '10.0.0', '1.2.3.4/8/8', 'fe80::1%eth0'])(
    'refuses the address block %s',
    (fromIp) => {
      const usage = expect.objectContaining({ code: 'USAGE' }) as Error
      expect(() => checkedTerms({ role: 'reader', fromIp })).toThrow(usage)
    },
  )

  it('a prefix ends with its folder, so that run_1 does not open run_12', () => {
    expect(checkedTerms({ role: 'reader', prefix: 'run_1' }).prefix).toBe('run_1/')
  })
})

describe('revoking', () => {
  it('leaves no statement that reaches the project, and one Deny that names it', () => {
    fc.assert(
      fc.property(foreignStatements, grantees, terms, (foreign, grantee, granted) => {
        const principal = principalOf(grantee, 'rgw')!
        const { policy, removed } = withoutGrantee(
          withGrant(policyOf(...foreign), HERE, principal, granted),
          HERE,
          principal,
        )
        expect(statementsReaching(policy, principal)).toEqual([])
        expect(isBlocked(policy, 'inbox', principal)).toBe(true)
        expect(removed.length).toBeGreaterThan(2)
        expect(policy.Statement.filter(isForeign)).toEqual(foreign)
        expect(withoutGrantee(policy, HERE, principal).policy).toEqual(policy)
      }),
    )
  })

  it('takes the project out of a statement of others that names it, and only it', () => {
    const shared: PolicyStatement = {
      Sid: 'GrantSDConnectSharedAccessToProject',
      Effect: 'Allow',
      Principal: { AWS: [PRODUCER.value, OTHER.value], Service: 'x' },
      Action: 's3:*',
      Resource: 'arn:aws:s3:::inbox/*',
    }
    const { policy, removed } = withoutGrantee(policyOf(shared), HERE, PRODUCER)
    expect(removed).toEqual([shared])
    expect(policy.Statement.filter(isForeign)).toEqual([
      { ...shared, Principal: { AWS: OTHER.value, Service: 'x' } },
    ])
  })

  it('takes a Keystone project out under both of its names', () => {
    const hex = 'ab'.repeat(16)
    const statements = [`arn:aws:iam::${hex}:root`, hex, `arn:aws:iam::${hex}:user/${hex}`].map(
      (AWS): PolicyStatement => ({ Effect: 'Allow', Principal: { AWS }, Action: 's3:*', Resource: '*' }),
    )
    const principal = principalOf({ type: 'keystone', projectId: hex }, 'rgw')!
    expect(withoutGrantee(policyOf(...statements), HERE, principal).removed).toEqual(statements)
  })

  it('does not call a Deny with a condition a block', () => {
    const { policy } = withoutGrantee(undefined, HERE, PRODUCER)
    const weakened = policyOf(
      ...policy.Statement.map((statement) =>
        statement.Effect === 'Deny'
          ? { ...statement, Condition: { Bool: { 'aws:SecureTransport': 'false' } } }
          : statement,
      ),
    )
    expect(isBlocked(policy, 'inbox', PRODUCER)).toBe(true)
    expect(isBlocked(weakened, 'inbox', PRODUCER)).toBe(false)
  })

  it('a tenant that is blocked blocks its users, and a user blocks nobody else', () => {
    const tenant = { kind: 'AWS', value: 'arn:aws:iam::t1:root' } as const
    const user = { kind: 'AWS', value: 'arn:aws:iam::t1:user/a' } as const
    expect(isBlocked(withoutGrantee(undefined, HERE, tenant).policy, 'inbox', user)).toBe(true)
    expect(isBlocked(withoutGrantee(undefined, HERE, user).policy, 'inbox', tenant)).toBe(false)
  })

  it('reports what is open to anyone instead of touching it', () => {
    const anyone: PolicyStatement = {
      Sid: 'Web',
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: '*',
    }
    const excepted: PolicyStatement = {
      Effect: 'Allow',
      NotPrincipal: { AWS: OTHER.value },
      Action: 's3:*',
      Resource: '*',
    }
    const { policy } = withoutGrantee(policyOf(anyone, excepted), HERE, PRODUCER)
    expect(statementsReaching(policy, PRODUCER)).toEqual([anyone, excepted])
    expect(policyEntries(policy, 'inbox', NOW, 'rgw').filter((entry) => entry.public)).toHaveLength(2)
  })

  it('ends with a new grant', () => {
    const blocked = withoutGrantee(undefined, HERE, PRODUCER).policy
    expect(isBlocked(withGrant(blocked, HERE, PRODUCER, { role: 'reader' }), 'inbox', PRODUCER)).toBe(false)
  })

  it('closing keeps the owner and the denials, and removes every other Allow', () => {
    fc.assert(
      fc.property(
        foreignStatements,
        fc.array(fc.tuple(grantees, terms), { maxLength: 3 }),
        (foreign, granted) => {
          let policy = policyOf(...foreign)
          for (const [grantee, given] of granted)
            policy = withGrant(policy, HERE, principalOf(grantee, 'rgw')!, given)
          const closed = withoutAnyGrant(policy, HERE, [PRODUCER]).policy
          expect(closed.Statement.filter(({ Effect }) => Effect === 'Allow').map(({ Sid }) => Sid)).toEqual([
            'SealiftOwner',
          ])
          expect(closed.Statement.filter(isForeign)).toEqual(
            foreign.filter(({ Effect }) => Effect === 'Deny'),
          )
          expect(isBlocked(closed, 'inbox', PRODUCER)).toBe(true)
        },
      ),
    )
  })
})

function unlisted(values: readonly string[]): string | readonly string[] {
  const [only, ...more] = values
  return only !== undefined && more.length === 0 ? only : values
}
