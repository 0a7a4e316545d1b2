import { describe, expect, it } from 'vitest'
import type { GrantTerms } from '../../../src/storage/access/roles.ts'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import type { Provider, ProviderName } from '../../../src/storage/provider/provider.ts'
import { providerNamed } from '../../../src/storage/provider/providers.ts'
import type { Store } from '../../../src/storage/store.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { openBucket } from '../../../src/workflows/open-bucket.ts'
import type { KnownProject } from '../../../src/workflows/sharing.ts'
import { mechanismOf } from '../../../src/workflows/sharing-mechanism.ts'

const BUCKET = 'inbox'
const UNTIL = new Date('2036-01-01T00:00:00Z')
const producer = (type: 'rgw' | 'access-key'): KnownProject => ({
  name: 'producer',
  grantee: type === 'rgw' ? { type, tenant: undefined, uid: 'producer' } : { type, accessKeyId: 'producer' },
})

/** A store whose server is said to be of a kind; what is written to it is recorded. */
function storeAt(provider: Provider): { store: Store; writes: string[] } {
  const inner = createMemoryStore({ ownerId: 'group' })
  const writes: string[] = []
  const store = new Proxy(inner, {
    get(target, name) {
      if (name === 'provider') return async () => provider
      const member = Reflect.get(target, name) as unknown
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        if (/^(create|put|delete|enable)/.test(String(name))) writes.push(String(name))
        return (member as (...all: unknown[]) => unknown).apply(target, args)
      }
    },
  })
  return { store, writes }
}

describe('what a server cannot do is refused before anything is written', () => {
  it.each<[ProviderName, GrantTerms, string]>([
    ['minio', { role: 'depositor' }, 'it ignores grants'],
    ['versitygw', { role: 'depositor', until: UNTIL }, 'it ignores conditions'],
    ['versitygw', { role: 'reader', fromIp: '192.0.2.7' }, 'it ignores conditions'],
    ['versitygw', { role: 'reader', prefix: 'run_12/' }, 'a listing could not be limited'],
    ['swift', { role: 'depositor' }, 'ACLs have no word for it'],
    ['swift', { role: 'reader', until: UNTIL }, 'ACLs have no end'],
    ['generic', { role: 'depositor', until: UNTIL }, 'nobody has looked'],
  ])('%s: %o (%s)', async (name, terms) => {
    const { store, writes } = storeAt(providerNamed(name))
    const request = { bucket: BUCKET, project: producer('access-key'), terms, keyFiles: [] }
    await expect(openBucket(store, request)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(writes).toEqual([])
    await store.createBucket(BUCKET)
    await expect(grantAccess(store, request)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(writes).toEqual(['createBucket'])
  })

  it.each<[ProviderName, 'rgw' | 'access-key']>([
    ['ceph', 'access-key'],
    ['versitygw', 'rgw'],
    ['aws', 'rgw'],
    ['scaleway', 'access-key'],
  ])('%s has no such identity as %s: no bucket is left behind', async (name, type) => {
    const { store } = storeAt(providerNamed(name))
    const request = {
      bucket: BUCKET,
      project: producer(type),
      terms: { role: 'reader' },
      keyFiles: [],
    } as const
    await expect(openBucket(store, request)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(await store.bucketState(BUCKET)).toBe('absent')
  })
})

describe('what a server can do', () => {
  it('versitygw: a depositor, who is told to ask for the keys, since it could not list them alone', async () => {
    const { store } = storeAt(providerNamed('versitygw'))
    const request = { bucket: BUCKET, project: producer('access-key'), keyFiles: [] }
    const { grant } = await openBucket(store, { ...request, terms: { role: 'depositor' } })
    expect(grant).toMatchObject({ mechanism: 'policy', listsKeys: false, address: 's3://inbox/' })
    const policy = await store.bucketPolicy(BUCKET)
    expect(policy?.Statement[0]).toMatchObject({ Sid: 'SealiftOwner', Principal: { AWS: 'group' } })
    expect(JSON.stringify(policy)).not.toMatch(/arn:aws:iam|Condition|s3:ListBucket/)
  })

  it('swift: a reader, by ACL, and no policy is ever asked for', async () => {
    const { store } = storeAt(providerNamed('swift'))
    await store.createBucket(BUCKET)
    const request = { bucket: BUCKET, project: producer('access-key'), terms: { role: 'reader' } } as const
    const silent = new Proxy(store, {
      get: (target, name) =>
        name === 'bucketPolicy'
          ? () => Promise.reject(new Error('asked'))
          : (Reflect.get(target, name) as unknown),
    })
    expect(await grantAccess(silent, request)).toMatchObject({ mechanism: 'acl', objects: 0 })
  })

  it('of two mechanisms the policy is taken, since it covers what comes later', () => {
    const ceph = providerNamed('ceph')
    const with_ = (policy: 'absent' | 'ignored' | 'unknown', bucketAcl: 'ignored' | 'unknown'): Provider => ({
      ...ceph,
      capabilities: { ...ceph.capabilities, policy, bucketAcl },
    })
    expect(mechanismOf(ceph)).toBe('policy')
    expect(mechanismOf(with_('unknown', 'unknown'))).toBe('policy')
    expect(mechanismOf(with_('absent', 'unknown'))).toBe('acl')
    expect(() => mechanismOf(with_('ignored', 'ignored'))).toThrow(/ignores them/)
  })
})
