import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aclEntries, policyEntries } from '../../../src/storage/access/access-entries.ts'
import { withGrant } from '../../../src/storage/access/bucket-policy.ts'
import { parseGrantee, serializeGrantee } from '../../../src/storage/access/grantee.ts'
import { valuesOf } from '../../../src/storage/access/policy-comparison.ts'
import {
  canonicalIdOf,
  granteeOfCanonicalId,
  granteeOfPrincipal,
  ownerPrincipal,
  principalOf,
} from '../../../src/storage/access/principal.ts'
import { roleStatements } from '../../../src/storage/access/roles.ts'
import { ALL_FORMS, statementForm } from '../../../src/storage/access/statement-form.ts'
import type { IdentityDialect } from '../../../src/storage/provider/provider.ts'
import { providerNamed } from '../../../src/storage/provider/providers.ts'
import { terms } from './arbitraries.ts'

const HEX64 = 'ab'.repeat(32)
const NOW = new Date('2026-11-21T12:00:00Z')
const UNSUPPORTED = expect.objectContaining({ code: 'UNSUPPORTED' }) as Error

describe('an identity in the words of each kind of server', () => {
  it.each<[IdentityDialect, string, string | undefined, string | undefined]>([
    ['account-name', 'access-key:producer', 'producer', 'producer'],
    ['account-name', 'canonical:producer', 'producer', 'producer'],
    ['account-name', 'canonical:lab:projA', undefined, 'lab:projA'],
    ['account-name', 'rgw:producer', undefined, undefined],
    ['account-name', 'arn:aws:iam::123456789012:root', undefined, undefined],
    ['aws', 'arn:aws:iam::123456789012:root', 'arn:aws:iam::123456789012:root', undefined],
    ['aws', `canonical:${HEX64}`, HEX64, HEX64],
    ['aws', 'arn:aws:iam:::user/producer', undefined, undefined],
    ['aws', 'rgw:producer', undefined, undefined],
    ['aws', 'access-key:producer', undefined, undefined],
    // Ceph would take the bare word for a tenant, and let in everybody who is in it.
    ['rgw', 'access-key:producer', undefined, 'producer'],
    ['scaleway', 'access-key:producer', undefined, undefined],
  ])('%s: %s is %s in a policy and %s in an ACL', (dialect, identity, principal, canonicalId) => {
    const grantee = parseGrantee(identity)
    expect(principalOf(grantee, dialect)?.value).toBe(principal)
    expect(canonicalIdOf(grantee, dialect)).toBe(canonicalId)
  })

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9._-]{1,40}$/), (accessKeyId) => {
        const grantee = { type: 'access-key', accessKeyId } as const
        const principal = principalOf(grantee, 'account-name')!
        expect(granteeOfPrincipal(principal, 'account-name')).toEqual(grantee)
        expect(granteeOfCanonicalId(accessKeyId, 'account-name')).toEqual(grantee)
        expect(ownerPrincipal(accessKeyId, 'account-name')).toEqual(principal)
      }),
    )
  })

  it('names no owner in words that the server does not have', () => {
    expect(ownerPrincipal(HEX64, 'aws')).toEqual({ kind: 'CanonicalUser', value: HEX64 })
    for (const [id, dialect] of [
      ['project_2000222', 'aws'],
      ['lab:projA', 'account-name'],
      ['d4f:d4f', 'scaleway'],
    ] as const) {
      expect(() => ownerPrincipal(id, dialect)).toThrow(UNSUPPORTED)
    }
  })

  it('shows accounts as the server names them', () => {
    const acl = {
      ownerId: 'group',
      grants: [{ grantee: { type: 'canonical', id: 'group' }, permission: 'FULL_CONTROL' }],
    } as const
    expect(aclEntries(acl, 'account-name').map(({ who }) => who)).toEqual(['access-key:group'])
  })
})

describe('the statements of a role on each kind of server', () => {
  const producer = { type: 'access-key', accessKeyId: 'producer' } as const
  const principal = principalOf(producer, 'account-name')!

  it('versitygw, which ignores conditions, is given none, and no listing that should have one', () => {
    const form = statementForm(providerNamed('versitygw'))
    for (const role of ['depositor', 'reader', 'collaborator'] as const) {
      const statements = roleStatements('inbox', principal, { role }, form)
      expect(statements.filter(({ Condition }) => Condition !== undefined)).toEqual([])
      const actions = statements.flatMap(({ Action }) => valuesOf(Action))
      expect(actions.includes('s3:ListBucket')).toBe(role !== 'depositor')
      // 400 MalformedPolicy there.
      expect(actions).not.toContain('s3:PutObjectVersionAcl')
    }
  })

  it('Ceph, where an upload belongs to its uploader, is told to end that as well', () => {
    const form = statementForm(providerNamed('ceph'))
    const until = new Date('2026-12-01T00:00:00Z')
    const ended = roleStatements('inbox', principal, { role: 'depositor', until }, form).at(-1)
    expect(ended).toMatchObject({
      Effect: 'Deny',
      Action: ['s3:*'],
      Condition: { DateGreaterThanEquals: { 'aws:CurrentTime': '2026-12-01T00:00:00Z' } },
    })
    const open = roleStatements('inbox', principal, { role: 'depositor' }, form)
    expect(open.some(({ Sid }) => Sid?.includes('Ended'))).toBe(false)
    const aws = statementForm(providerNamed('aws'))
    const there = roleStatements('inbox', principal, { role: 'depositor', until }, aws)
    expect(there.some(({ Sid }) => Sid?.includes('Ended'))).toBe(false)
  })

  it('in every form, earlier versions’ too, the grant is shown as the role it is', () => {
    const owner = ownerPrincipal('group', 'account-name')
    fc.assert(
      fc.property(terms, fc.constantFrom(...ALL_FORMS), (granted, form) => {
        const policy = withGrant(undefined, { bucket: 'inbox', owner, form }, principal, granted)
        const entries = policyEntries(policy, 'inbox', NOW, 'account-name')
        expect(entries.filter(({ access }) => access !== 'owner')).toEqual([
          expect.objectContaining({ who: serializeGrantee(producer), access: granted.role }),
        ])
      }),
    )
  })

  it('a form only takes away: no Allow that the full form has not', () => {
    fc.assert(
      fc.property(terms, fc.constantFrom(...ALL_FORMS), (granted, form) => {
        const full = roleStatements('inbox', principal, granted).map((one) => JSON.stringify(one))
        const allows = roleStatements('inbox', principal, granted, form).filter(
          ({ Effect }) => Effect === 'Allow',
        )
        expect(full).toEqual(expect.arrayContaining(allows.map((one) => JSON.stringify(one))))
      }),
    )
  })
})
