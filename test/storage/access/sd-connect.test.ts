import { describe, expect, it } from 'vitest'
import { policyEntries } from '../../../src/storage/access/access-entries.ts'
import type { PolicyDocument, PolicyStatement } from '../../../src/storage/access/access-store.ts'
import {
  withGrant,
  withoutAnyGrant,
  withoutGrantee,
  withSdConnectGrant,
} from '../../../src/storage/access/bucket-policy.ts'
import { ownerPrincipal, principalOf } from '../../../src/storage/access/principal.ts'

const GROUP = '2'.repeat(32)
const PRODUCER = '1'.repeat(32)
const OTHER = '3'.repeat(32)
const NOW = new Date('2026-11-21T12:00:00Z')
const HERE = { bucket: 'inbox', owner: ownerPrincipal(`${GROUP}$${GROUP}`, 'rgw') }
const RESOURCES = ['arn:aws:s3:::inbox', 'arn:aws:s3:::inbox/*']
const root = (id: string): string => `arn:aws:iam::${id}:root`
const project = (projectId: string) => principalOf({ type: 'keystone', projectId }, 'rgw')!

/** As its web interface writes them. */
const READ = ['s3:GetObject', 's3:ListBucket', 's3:GetObjectTagging', 's3:GetObjectVersion']
const WRITE = [
  's3:PutObject',
  's3:DeleteObject',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
  's3:ListBucketMultipartUploads',
]
const shared = (id: string, Action: readonly string[]): PolicyStatement => ({
  Sid: 'GrantSDConnectSharedAccessToProject',
  Effect: 'Allow',
  Principal: { AWS: root(id) },
  Action,
  Resource: RESOURCES,
})
const PRESERVE: PolicyStatement = {
  Sid: 'GrantSDConnectPreserveOwnerAccess',
  Effect: 'Allow',
  Principal: { AWS: root(GROUP) },
  Action: ['s3:*'],
  Resource: RESOURCES,
}
const policyOf = (...Statement: PolicyStatement[]): PolicyDocument => ({ Version: '2012-10-17', Statement })
const sidsOf = ({ Statement }: PolicyDocument): (string | undefined)[] => Statement.map(({ Sid }) => Sid)

describe("SD Connect's sharing statements", () => {
  const theirs = policyOf(PRESERVE, shared(PRODUCER, READ), shared(OTHER, [...READ, ...WRITE]))

  it('are read as grants', () => {
    expect(policyEntries(theirs, 'inbox', NOW, 'rgw')).toEqual([
      expect.objectContaining({ who: `keystone:${GROUP}`, access: 'owner', by: 'sd-connect' }),
      expect.objectContaining({ who: `keystone:${PRODUCER}`, access: 'reader', by: 'sd-connect' }),
      expect.objectContaining({ who: `keystone:${OTHER}`, access: 'collaborator', by: 'sd-connect' }),
    ])
  })

  it.each<[string, PolicyStatement]>([
    ['more actions', shared(PRODUCER, [...READ, 's3:PutBucketPolicy'])],
    ['fewer actions', shared(PRODUCER, READ.slice(1))],
    ['another resource', { ...shared(PRODUCER, READ), Resource: 'arn:aws:s3:::inbox/*' }],
    ['a condition', { ...shared(PRODUCER, READ), Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.7' } } }],
  ])('with %s are no role', (_, statement) => {
    expect(policyEntries(policyOf(statement), 'inbox', NOW, 'rgw')[0]).toMatchObject({ access: 'other' })
  })

  it('of others are kept, in order, when a grant of ours comes', () => {
    const granted = withGrant(theirs, HERE, project('4'.repeat(32)), { role: 'depositor' })
    expect(granted.Statement.slice(1, 4)).toEqual(theirs.Statement)
  })

  it('of the same project are replaced: it has one role', () => {
    const granted = withGrant(theirs, HERE, project(PRODUCER), { role: 'depositor' })
    expect(granted.Statement.slice(1, 3)).toEqual([PRESERVE, shared(OTHER, [...READ, ...WRITE])])
    const entries = policyEntries(granted, 'inbox', NOW, 'rgw').filter(
      ({ who }) => who === `keystone:${PRODUCER}`,
    )
    expect(entries.map(({ access }) => access)).toEqual(['depositor'])
  })

  it('of a revoked project go, those of others and the owner’s stay', () => {
    const { policy, removed } = withoutGrantee(theirs, HERE, project(PRODUCER))
    expect(removed).toEqual([shared(PRODUCER, READ)])
    expect(policy.Statement.slice(1, 3)).toEqual([PRESERVE, shared(OTHER, [...READ, ...WRITE])])
  })

  it('all go when a bucket is closed; the owner’s own access stays', () => {
    const { policy, removed } = withoutAnyGrant(theirs, HERE, [])
    expect(removed).toHaveLength(2)
    expect(sidsOf(policy)).toEqual(['SealiftOwner', 'GrantSDConnectPreserveOwnerAccess'])
  })

  it('the owner’s stays for an owner that is one user of its tenant, and lets in nobody else', () => {
    const one = { bucket: 'inbox', owner: ownerPrincipal(`${GROUP}$tiina`, 'rgw') }
    expect(sidsOf(withoutAnyGrant(policyOf(PRESERVE), one, []).policy)).toContain(PRESERVE.Sid)
    const forged = { ...PRESERVE, Principal: { AWS: root(OTHER) } }
    expect(sidsOf(withoutAnyGrant(policyOf(forged), HERE, []).policy)).not.toContain(PRESERVE.Sid)
  })
})

describe("a grant in SD Connect's form", () => {
  it('is what its web interface writes, and the lock of the key card', () => {
    const reader = withSdConnectGrant(undefined, HERE, project(PRODUCER), { role: 'reader' })
    expect(reader.Statement.slice(1)).toEqual([PRESERVE, shared(PRODUCER, READ)])
    const collaborator = withSdConnectGrant(reader, HERE, project(PRODUCER), { role: 'collaborator' })
    const [, preserve, grant, lock] = collaborator.Statement
    expect([preserve, grant]).toEqual([PRESERVE, shared(PRODUCER, [...READ, ...WRITE])])
    expect(lock).toMatchObject({ Effect: 'Deny', Resource: ['arn:aws:s3:::inbox/keys/*'] })
    // Its remover calls a method of this string, in every statement.
    for (const { Principal } of collaborator.Statement) {
      expect((Principal as Record<string, unknown>)['AWS']).toEqual(expect.any(String))
    }
  })

  it('is read, replaced and revoked as one', () => {
    const given = withSdConnectGrant(undefined, HERE, project(PRODUCER), { role: 'collaborator' })
    expect(policyEntries(given, 'inbox', NOW, 'rgw')).toContainEqual(
      expect.objectContaining({ who: `keystone:${PRODUCER}`, access: 'collaborator', by: 'sd-connect' }),
    )
    const { policy } = withoutGrantee(given, HERE, project(PRODUCER))
    expect(policy.Statement.filter(({ Effect }) => Effect === 'Allow')).toHaveLength(2)
    expect(policy.Statement.at(-1)).toMatchObject({ Effect: 'Deny', Action: ['s3:*'] })
  })

  it('has no words for limits, for a depositor, or for what is no Keystone project', () => {
    const add = (who: string, terms: Parameters<typeof withGrant>[3]) => () =>
      withSdConnectGrant(undefined, HERE, { kind: 'AWS', value: who }, terms)
    const usage = expect.objectContaining({ code: 'USAGE' }) as Error
    expect(add(root(PRODUCER), { role: 'depositor' })).toThrow(usage)
    expect(add(root(PRODUCER), { role: 'reader', prefix: 'run_12/' })).toThrow(usage)
    expect(add(root(PRODUCER), { role: 'reader', until: NOW })).toThrow(usage)
    expect(add('arn:aws:iam:::user/project_2000111', { role: 'reader' })).toThrow(usage)
    const local = { bucket: 'inbox', owner: ownerPrincipal('project_2000222', 'rgw') }
    expect(() => withSdConnectGrant(undefined, local, project(PRODUCER), { role: 'reader' })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }) as Error,
    )
  })
})
