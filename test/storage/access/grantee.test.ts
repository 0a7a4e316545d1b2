import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTypedIdentity, parseGrantee, serializeGrantee } from '../../../src/storage/access/grantee.ts'
import {
  canonicalIdOf,
  granteeOfCanonicalId,
  granteeOfPrincipal,
  ownerPrincipal,
  principalCovers,
  principalOf,
  sameProject,
} from '../../../src/storage/access/principal.ts'
import { grantees } from './arbitraries.ts'

const HEX32 = '0123456789abcdef0123456789abcdef'
const HEX64 = `${HEX32}${HEX32}`

describe('identities', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(grantees, (grantee) => {
        const text = serializeGrantee(grantee)
        expect(isTypedIdentity(text)).toBe(true)
        expect(parseGrantee(text)).toEqual(grantee)
      }),
    )
  })

  it.each([
    ['project_2000111', 'a bare name'],
    ['rgw:', 'no uid'],
    ['rgw:a$b$c', 'two tenants'],
    ['rgw:$uid', 'an empty tenant'],
    ['rgw:*', 'a pattern'],
    ['rgw:user/x', 'a path'],
    ['keystone:2000111', 'a project number instead of its id'],
    ['canonical:', 'no id'],
    ['arn:aws:iam:::user/proj111$proj111', 'stored by Ceph RGW, grants nothing'],
    ['arn:aws:iam::proj111:user/*', 'stored by Ceph RGW, grants nothing'],
    ['arn:aws:iam:::root', 'every user without a tenant'],
    ['arn:aws:iam::*:root', 'everyone'],
    ['arn:aws:s3:::bucket', 'a bucket'],
    ['*', 'everyone'],
    ['mailto:someone@example.org', 'an address'],
  ])('refuses %s (%s)', (text) => {
    expect(() => parseGrantee(text)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error)
  })
})

describe('principals', () => {
  it.each([
    ['rgw:project_2000111', 'arn:aws:iam:::user/project_2000111', 'project_2000111'],
    ['rgw:proj111$proj111', 'arn:aws:iam::proj111:user/proj111', 'proj111$proj111'],
    [`keystone:${HEX32}`, `arn:aws:iam::${HEX32}:root`, `${HEX32}$${HEX32}`],
    ['arn:aws:iam::123456789012:root', 'arn:aws:iam::123456789012:root', undefined],
    ['arn:aws:iam::proj111:user/proj111', 'arn:aws:iam::proj111:user/proj111', 'proj111$proj111'],
    [`canonical:${HEX64}`, HEX64, HEX64],
    ['canonical:lab:projA', undefined, 'lab:projA'],
  ])('%s is %s in a policy and %s in an ACL', (text, principal, canonicalId) => {
    const grantee = parseGrantee(text)
    expect(principalOf(grantee, 'rgw')?.value).toBe(principal)
    expect(canonicalIdOf(grantee, 'rgw')).toBe(canonicalId)
  })

  it('names the owner by the id that its ACL shows', () => {
    expect(ownerPrincipal('project_2000222', 'rgw')).toEqual({
      kind: 'AWS',
      value: 'arn:aws:iam:::user/project_2000222',
    })
    expect(ownerPrincipal('proj222$proj222', 'rgw')).toEqual({
      kind: 'AWS',
      value: 'arn:aws:iam::proj222:user/proj222',
    })
    expect(ownerPrincipal(HEX64, 'rgw')).toEqual({ kind: 'CanonicalUser', value: HEX64 })
    expect(() => ownerPrincipal('', 'rgw')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }) as Error)
    expect(() => ownerPrincipal('a$b$c', 'rgw')).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }) as Error,
    )
  })

  it('are shown as the identity they were made from', () => {
    fc.assert(
      fc.property(grantees, (grantee) => {
        const principal = principalOf(grantee, 'rgw')!
        expect(granteeOfPrincipal(principal, 'rgw')).toEqual(grantee)
      }),
    )
    expect(granteeOfCanonicalId('proj111$proj111', 'rgw')).toEqual({
      type: 'rgw',
      tenant: 'proj111',
      uid: 'proj111',
    })
    expect(granteeOfCanonicalId('lab:projA', 'rgw')).toEqual({ type: 'canonical', id: 'lab:projA' })
  })

  it('an account covers its users, and nobody covers another account', () => {
    const aws = (value: string) => ({ kind: 'AWS', value }) as const
    expect(principalCovers(aws('arn:aws:iam::t1:root'), aws('arn:aws:iam::t1:user/a'))).toBe(true)
    expect(principalCovers(aws('t1'), aws('arn:aws:iam::t1:user/a'))).toBe(true)
    expect(principalCovers(aws('arn:aws:iam::t1:user/*'), aws('arn:aws:iam::t1:user/a'))).toBe(true)
    expect(principalCovers(aws('*'), aws('arn:aws:iam::t1:user/a'))).toBe(true)
    expect(principalCovers(aws('arn:aws:iam::t1:user/a'), aws('arn:aws:iam::t1:root'))).toBe(false)
    expect(principalCovers(aws('arn:aws:iam::t1:root'), aws('arn:aws:iam::t2:user/a'))).toBe(false)
    expect(principalCovers(aws('arn:aws:iam:::user/a'), aws('arn:aws:iam:::user/ab'))).toBe(false)
  })

  it('the user of a Keystone project and its tenant are one project', () => {
    const user = principalOf(parseGrantee(`rgw:${HEX32}$${HEX32}`), 'rgw')!
    const project = principalOf(parseGrantee(`keystone:${HEX32}`), 'rgw')!
    expect(sameProject(user, project)).toBe(true)
    expect(sameProject(user, principalOf(parseGrantee('rgw:other'), 'rgw')!)).toBe(false)
  })
})
