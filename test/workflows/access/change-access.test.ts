import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseGrantee } from '../../../src/storage/access/grantee.ts'
import type { Role } from '../../../src/storage/access/roles.ts'
import { changeAccess, outcomeOf, type AccessChange } from '../../../src/workflows/change-access.ts'
import { showAccess } from '../../../src/workflows/show-access.ts'
import { startPracticeStore, type PracticeStore } from '../../storage/s3/practice-store.ts'

const give = (permission: AccessChange['permission']): AccessChange => ({ give: true, permission })
const take = (permission: AccessChange['permission']): AccessChange => ({ give: false, permission })

describe('what a change leads to', () => {
  it.each([
    ['none', give('read'), 'reader'],
    ['none', give('write'), 'depositor'],
    ['none', give('read-write'), 'collaborator'],
    ['mixed', give('read'), 'reader'],
    ['depositor', give('read'), 'collaborator'],
    ['reader', give('write'), 'collaborator'],
    ['collaborator', give('read'), 'collaborator'],
    ['reader', give('read'), 'reader'],
    ['collaborator', take('read'), 'depositor'],
    ['collaborator', take('write'), 'reader'],
    ['collaborator', take('read-write'), 'nobody'],
    ['reader', take('read'), 'nobody'],
    ['depositor', take('write'), 'nobody'],
    ['reader', take('write'), 'reader'],
    ['depositor', take('read'), 'depositor'],
    ['mixed', take('read'), 'nobody'],
    ['mixed', take('write'), 'nobody'],
    ['none', take('read'), 'nobody'],
  ] as const)('%s, %j: %s', (before, change, outcome) => {
    expect(outcomeOf(change, before)).toBe(outcome)
  })

  it('giving never takes anything away', () => {
    const rights: Record<Role, string[]> = { reader: ['r'], depositor: ['w'], collaborator: ['r', 'w'] }
    for (const before of ['reader', 'depositor', 'collaborator'] as const) {
      for (const permission of ['read', 'write', 'read-write'] as const) {
        const after = outcomeOf(give(permission), before)
        expect(after === 'nobody' ? [] : rights[after]).toEqual(expect.arrayContaining(rights[before]))
      }
    }
  })
})

describe('at a bucket', () => {
  let practice: PracticeStore
  beforeEach(async () => {
    practice = await startPracticeStore()
    await practice.store().createBucket('bucket')
  })
  afterEach(() => practice.close())

  const project = { name: 'partner', grantee: parseGrantee('rgw:project_2000111') }
  const change = (wanted: AccessChange, limits = {}) =>
    changeAccess(practice.store(), { bucket: 'bucket', project, change: wanted, limits })
  const rolesNow = async () =>
    (await showAccess(practice.store(), { bucket: 'bucket' })).access
      .filter(({ who }) => who === 'rgw:project_2000111')
      .map(({ access, prefix, until }) => [access, prefix, until])

  it('in, half out, and out again', async () => {
    expect(await change(give('read-write'))).toMatchObject({
      done: 'granted',
      granted: { role: 'collaborator' },
    })
    expect(await rolesNow()).toEqual([['collaborator', undefined, undefined]])
    expect(await change(take('write'))).toMatchObject({ done: 'granted', granted: { role: 'reader' } })
    expect(await change(take('write'))).toMatchObject({ done: 'nothing', role: 'reader' })
    expect(await rolesNow()).toEqual([['reader', undefined, undefined]])
    expect(await change(take('read'))).toMatchObject({ done: 'revoked', revoked: { remaining: [] } })
    expect((await rolesNow()).map(([access]) => access)).toEqual(['blocked'])
    expect(await change(give('write')), 'a block is no access').toMatchObject({
      granted: { role: 'depositor' },
    })
  })

  it('keeps limits that are not named anew', async () => {
    const until = new Date(Date.now() + 86_400_000)
    until.setMilliseconds(0)
    await change(give('write'), { until, prefix: 'run_12/' })
    await change(give('read'))
    expect(await rolesNow()).toEqual([['collaborator', 'run_12/', until.toISOString()]])
    await change(take('read'))
    expect(await rolesNow()).toEqual([['depositor', 'run_12/', until.toISOString()]])
    await change(give('read'), { prefix: 'run_13/' })
    expect(await rolesNow()).toEqual([['collaborator', 'run_13/', until.toISOString()]])
  })

  it('ends wholly what is more than one plain role', async () => {
    const store = practice.store()
    await change(give('read-write'))
    const { ownerId, grants } = await store.bucketAcl('bucket')
    const grantee = { type: 'canonical', id: 'project_2000111' } as const
    await store.putBucketAcl('bucket', { ownerId, grants: [...grants, { grantee, permission: 'WRITE' }] })
    expect(await change(take('read'))).toMatchObject({
      done: 'revoked',
      revoked: { removed: { bucketGrants: [expect.any(String)] }, remaining: [] },
    })
  })
})
