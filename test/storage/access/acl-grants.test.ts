import { describe, expect, it } from 'vitest'
import { aclEntries } from '../../../src/storage/access/access-entries.ts'
import type { Acl, AclPermission } from '../../../src/storage/access/access-store.ts'
import {
  aclRole,
  sameGrants,
  takenOver,
  withAclGrants,
  withoutAclGrants,
} from '../../../src/storage/access/acl-grants.ts'
import type { GrantTerms } from '../../../src/storage/access/roles.ts'

const OWNER = 'project_2000222'
const PRODUCER = 'project_2000111'
const ANYONE = 'http://acs.amazonaws.com/groups/global/AllUsers'

const grant = (id: string, permission: AclPermission) =>
  ({ grantee: { type: 'canonical', id }, permission }) as const
const own = grant(OWNER, 'FULL_CONTROL')
const acl = (...grants: Acl['grants']): Acl => ({ ownerId: OWNER, grants })

describe('grants by ACL', () => {
  it.each<[GrantTerms, string]>([
    [{ role: 'depositor' }, 'a write grant would also let delete'],
    [{ role: 'reader', until: new Date('2027-01-01') }, 'ACLs know no end'],
    [{ role: 'reader', prefix: 'run_12/' }, 'ACLs know no prefix'],
    [{ role: 'collaborator', fromIp: '192.0.2.7' }, 'ACLs know no addresses'],
  ])('refuses what an ACL cannot say: %o (%s)', (terms) => {
    expect(() => aclRole(terms)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }) as Error)
  })

  it("always sends the owner's own FULL_CONTROL again", () => {
    expect(withAclGrants(acl(), PRODUCER, ['READ']).grants[0]).toEqual(own)
    expect(withoutAclGrants(acl(grant(PRODUCER, 'READ')), () => true).acl.grants).toEqual([own])
  })

  it('replaces what the project had and leaves the others alone', () => {
    const before = acl(own, grant(PRODUCER, 'WRITE'), grant('other', 'READ'))
    expect(withAclGrants(before, PRODUCER, ['READ']).grants).toEqual([
      own,
      grant('other', 'READ'),
      grant(PRODUCER, 'READ'),
    ])
  })

  it('removes the grants of one project, the groups only when everybody goes', () => {
    const group = { grantee: { type: 'group', uri: ANYONE }, permission: 'READ' } as const
    const before = acl(own, group, grant(PRODUCER, 'READ'), grant('other', 'READ'))
    const one = withoutAclGrants(before, (id) => id === PRODUCER)
    expect(one.removed).toEqual([grant(PRODUCER, 'READ')])
    expect(one.acl.grants).toEqual([own, group, grant('other', 'READ')])
    expect(withoutAclGrants(before, () => true, true).acl.grants).toEqual([own])
  })

  it('compares without regard to order', () => {
    expect(sameGrants(acl(own, grant('a', 'READ')), acl(grant('a', 'READ'), own))).toBe(true)
    expect(sameGrants(acl(own, grant('a', 'READ')), acl(own, grant('a', 'WRITE')))).toBe(false)
    expect(sameGrants(acl(own), { ...acl(own), ownerId: 'x' })).toBe(false)
  })

  it("leaves an uploader's object to the owner of the bucket", () => {
    const uploaded: Acl = { ownerId: PRODUCER, grants: [grant(PRODUCER, 'FULL_CONTROL')] }
    expect(takenOver(uploaded, OWNER)).toEqual({ ownerId: PRODUCER, grants: [own] })
  })

  it('says who has what, and what is public', () => {
    const group = { grantee: { type: 'group', uri: ANYONE }, permission: 'READ' } as const
    const entries = aclEntries(
      acl(own, group, grant('proj111$proj111', 'READ'), grant('proj111$proj111', 'WRITE')),
      'rgw',
    )
    expect(entries).toEqual([
      expect.objectContaining({ who: 'rgw:project_2000222', access: 'owner', public: false }),
      expect.objectContaining({ who: 'anyone', public: true, actions: ['READ'] }),
      expect.objectContaining({ who: 'rgw:proj111$proj111', access: 'other', actions: ['READ', 'WRITE'] }),
    ])
  })
})
