import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StorageError } from '../../../src/storage/errors.ts'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import { MemoryWorld } from '../../../src/storage/memory-world.ts'
import { toStorageError } from '../../../src/storage/s3/errors.ts'
import type { Store } from '../../../src/storage/store.ts'
import { probe, type ProbeCaller } from '../../../src/workflows/access-probe.ts'
import { grantAccess } from '../../../src/workflows/grant-access.ts'
import { revokeAccess, type RevokeResult } from '../../../src/workflows/revoke-access.ts'
import { serializeReport, type RevokeReport } from '../../../src/workflows/revoke-report.ts'
import type { SecondCaller } from '../../../src/workflows/second-caller.ts'
import type { KnownProject } from '../../../src/workflows/sharing.ts'
import { AccessDeviatesError, verifyAccess } from '../../../src/workflows/verify-access.ts'
import { AppError } from '../../../src/util/errors.ts'
import { collect } from './collect.ts'

const bucket = 'inbox'
const project: KnownProject = {
  name: 'producer',
  grantee: { type: 'rgw', tenant: undefined, uid: 'producer' },
}

/** The store with some of its methods replaced. */
function changed(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const replaced: unknown = Reflect.get(methods, name)
      if (replaced !== undefined) return replaced
      const method: unknown = Reflect.get(target, name)
      return typeof method === 'function' ? (method.bind(target) as unknown) : method
    },
  })
}

async function granted(): Promise<{ group: Store; producer: SecondCaller; anonymous: SecondCaller }> {
  const world = new MemoryWorld()
  const group = createMemoryStore({ ownerId: 'group', world })
  await group.createBucket(bucket)
  await grantAccess(group, { bucket, project, terms: { role: 'collaborator' } })
  const caller = (name: string, canonicalId: string | undefined): SecondCaller => ({
    name,
    canonicalId,
    store: createMemoryStore({ ownerId: name, world }),
    close: () => undefined,
  })
  return { group, producer: caller('producer', 'producer'), anonymous: caller('anonymous', undefined) }
}

describe('an answer', () => {
  const answers = async (
    error: Error | undefined,
    caller: Partial<ProbeCaller> = {},
    isDone?: () => Promise<boolean>,
  ): Promise<string[]> => {
    const store = createMemoryStore({ ownerId: 'x', world: new MemoryWorld() })
    const send = async (): Promise<void> => {
      if (error !== undefined) throw error
    }
    const probes = await probe({ name: 'x', store, bucket, ...caller }, [
      { operation: 'DeleteObject', send, isDone },
    ])
    return probes.map(({ answer }) => answer)
  }
  const failed = (code: 'ACCESS_DENIED' | 'INVALID_CREDENTIALS' | 'BUCKET_NOT_FOUND', status: number) =>
    new StorageError(code, 'refused', { operation: 'DeleteObject', status })

  it('is a refusal only when it was the right that was missing', async () => {
    expect(await answers(undefined)).toEqual(['allowed'])
    expect(await answers(failed('ACCESS_DENIED', 403))).toEqual(['denied'])
    // Keys that are no longer good are refused whatever was granted: for whoever signs, that proves nothing.
    expect(await answers(failed('INVALID_CREDENTIALS', 403))).toEqual(['failed'])
    expect(await answers(failed('INVALID_CREDENTIALS', 403), { anonymous: true })).toEqual(['denied'])
    expect(await answers(failed('BUCKET_NOT_FOUND', 404), { anonymous: true })).toEqual(['failed'])
    expect(await answers(failed('BUCKET_NOT_FOUND', 404), { isHiddenFrom: true })).toEqual(['denied'])
    expect(await answers(new AppError('ENDPOINT_UNREACHABLE', 'gone'))).toEqual(['failed'])
    await expect(answers(new TypeError('a bug'))).rejects.toThrow('a bug')
  })

  it('is no lack of the operation unless the server itself says so', async () => {
    const unsupported = (options: { status?: number; serverCode?: string }) =>
      answers(new StorageError('UNSUPPORTED', 'no such thing', { operation: 'GetBucketAcl', ...options }))
    expect(await unsupported({ status: 405 })).toEqual(['unsupported'])
    expect(await unsupported({ status: 501 })).toEqual(['unsupported'])
    // An answer was given, and we do not understand it.
    expect(await unsupported({})).toEqual(['failed'])
    expect(await unsupported({ status: 200 })).toEqual(['failed'])
    expect(await answers(new AppError('UNSUPPORTED', 'no such thing'))).toEqual(['failed'])
    const serverCode = 'AccessControlListNotSupported'
    const options = { operation: 'PutObjectAcl', status: 400, serverCode }
    expect(await answers(new StorageError('STORE_FAILURE', 'no ACLs', options))).toEqual(['unsupported'])
  })

  it.each([{}, { anonymous: true }])(
    'is no refusal where only an archive stands in the way %o',
    async (caller) => {
      const answer = { name: 'InvalidObjectState', $metadata: { httpStatusCode: 403 } }
      const archived = toStorageError(Object.assign(new Error('archived'), answer), {
        operation: 'GetObject',
      })
      expect(archived).toMatchObject({ code: 'STORE_FAILURE', status: 403, retryable: false })
      expect(await answers(archived as Error, caller)).toEqual(['failed'])
    },
  )

  it('that changed nothing was no permission', async () => {
    expect(await answers(undefined, {}, async () => false)).toEqual(['denied'])
    expect(await answers(undefined, {}, async () => true)).toEqual(['allowed'])
  })
})

describe('what cannot be proven is not called enforced', () => {
  it('when the throw-away objects cannot be made, what is there is read all the same', async () => {
    const { group, producer, anonymous } = await granted()
    await group.putObject(bucket, 'ours.c4gh', Buffer.from('sealed'))
    const full = changed(group, {
      putObject: async () => {
        throw new StorageError('STORE_FAILURE', 'the quota is used up', { operation: 'PutObject' })
      },
    })
    const provers = { asProject: [producer], anonymous, waits: [] }
    const result = await revokeAccess(full, { bucket, project, provers })
    expect(result).toMatchObject({ state: 'stored', leftovers: [] })
    expect(result.unproven).toEqual([expect.stringContaining('the quota is used up')])
    expect(result.probes.map(({ objectKey }) => objectKey)).toContain('ours.c4gh')
  })

  it('when what is in the bucket cannot be listed', async () => {
    const { group, producer, anonymous } = await granted()
    const unlisted = changed(group, {
      listVersions: () => {
        throw new StorageError('STORE_FAILURE', 'no listing', { operation: 'ListObjectVersions' })
      },
    })
    const provers = { asProject: [producer], anonymous, waits: [] }
    const result = await revokeAccess(unlisted, { bucket, project, provers })
    expect(result.state).toBe('stored')
    expect(result.unproven).toEqual(['what is in the bucket was not tried: no listing'])
  })

  it('when the project got no answer', async () => {
    const { group, producer, anonymous } = await granted()
    const away = changed(producer.store, {
      listMultipartUploads: () => {
        throw new StorageError('STORE_FAILURE', 'no answer in time', { operation: 'ListMultipartUploads' })
      },
    })
    const provers = { asProject: [{ ...producer, store: away }], anonymous, waits: [] }
    const result = await revokeAccess(group, { bucket, project, provers })
    expect(result.state).toBe('stored')
    expect(result.unproven).toEqual(['ListMultipartUploads as producer gave no answer: no answer in time'])
  })
})

const lacking = async (): Promise<never> => {
  throw new StorageError('UNSUPPORTED', 'no such operation', { operation: 'any', status: 501 })
}
const refusing = () => {
  throw new StorageError('ACCESS_DENIED', 'refused', { operation: 'any', status: 403 })
}

describe('an operation that the server is said not to have', () => {
  const revoked = async (ofProducer: Partial<Store>, ofGroup: Partial<Store>): Promise<RevokeResult> => {
    const { group, producer, anonymous } = await granted()
    const asProject = [{ ...producer, store: changed(producer.store, ofProducer) }]
    const provers = { asProject, anonymous, waits: [] }
    return revokeAccess(changed(group, ofGroup), { bucket, project, provers })
  }

  it('proves nothing when the owner is given it', async () => {
    const result = await revoked({ objectTags: lacking }, {})
    expect(result.state).toBe('stored')
    expect(result.unproven).toEqual([expect.stringMatching(/^GetObjectTagging as producer .* unsupported/)])
    expect(result.leftovers).toEqual([])
  })

  it('is nothing that the project could have, when the owner does not have it either', async () => {
    const result = await revoked({ objectTags: lacking }, { objectTags: lacking })
    expect(result).toMatchObject({ state: 'enforced', unproven: [], leftovers: [] })
    expect(result.probes.every(({ caller }) => caller !== 'owner')).toBe(true)
  })

  it('proves nothing when every server has it, whatever the owner is told', async () => {
    const result = await revoked({ getObject: lacking }, { getObject: lacking })
    expect(result.state).toBe('stored')
    expect(result.unproven).toEqual([expect.stringMatching(/^GetObject as producer .* unsupported/)])
  })

  it.each([
    ['GetObjectTagging', 'objectTags', 0],
    ['HeadObject', 'headObject', 1],
  ] as const)(
    'is a deviation at %s unless the owner may lack it as well',
    async (operation, method, both) => {
      const { group, producer, anonymous } = await granted()
      const without = changed(producer.store, { [method]: lacking })
      const request = { bucket, grantees: [{ ...producer, store: without }], outsiders: [], anonymous }
      const wrong = async (owner: Store): Promise<Set<string>> => {
        const error: unknown = await verifyAccess(owner, request).catch((failure: unknown) => failure)
        if (!(error instanceof AccessDeviatesError)) return new Set()
        const deviating = error.result.answers.filter(({ deviates }) => deviates)
        return new Set(deviating.map((one) => `${one.operation} by ${one.caller}`))
      }
      expect(await wrong(group)).toEqual(new Set([`${operation} by producer`]))
      const ofBoth = await wrong(changed(group, { [method]: lacking }))
      expect(ofBoth.has(`${operation} by producer`)).toBe(both === 1)
    },
  )
})

describe('where so many have prefixes that not all can be tried', () => {
  it("the project's own is tried, and the others are told", async () => {
    const { group, producer, anonymous } = await granted()
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const other = { name, grantee: { type: 'rgw', tenant: undefined, uid: name } } as const
      const terms = { role: 'depositor', prefix: `${name}/` } as const
      await grantAccess(group, { bucket, project: other, terms })
    }
    await grantAccess(group, { bucket, project, terms: { role: 'depositor', prefix: 'theirs/' } })
    // The store in memory knows no conditions: what a depositor may list before the revocation, it refuses.
    let listings = 0
    const listing = changed(producer.store, {
      listObjects: (...of) => (listings++ === 0 ? group : producer.store).listObjects(...of),
    })
    const provers = { asProject: [{ ...producer, store: listing }], anonymous, waits: [] }
    const result = await revokeAccess(group, { bucket, project, provers })
    expect(new Set(result.probes.map(({ place }) => place))).toContain('theirs/')
    expect(result.state).toBe('stored')
    expect(result.unproven).toEqual([expect.stringMatching(/^nothing was tried below .*: e\/, f\/$/)])
  })
})

describe('credentials that were refused before', () => {
  it('prove nothing about the revocation; once it is done, a refusal is what has to come', async () => {
    const { group, producer, anonymous } = await granted()
    const refused = changed(producer.store, { listObjects: refusing })
    const provers = { asProject: [{ ...producer, store: refused }], anonymous, waits: [] }
    const first = await revokeAccess(group, { bucket, project, provers })
    expect(first.state).toBe('stored')
    expect(first.unproven).toEqual([expect.stringMatching(/^producer was refused before .*ListObjectsV2/)])
    const again = await revokeAccess(group, { bucket, project, provers })
    expect(again).toMatchObject({ state: 'enforced', unproven: [] })
  })
})

describe('probes leave nothing behind', () => {
  it('and say what they had to', async () => {
    const { group, producer, anonymous } = await granted()
    const keeping = changed(group, {
      abortMultipartUpload: async () => {
        throw new StorageError('STORE_FAILURE', 'not now', { operation: 'AbortMultipartUpload' })
      },
    })
    const provers = { asProject: [producer], anonymous, waits: [] }
    const result = await revokeAccess(keeping, { bucket, project, provers })
    expect(result.leftovers).not.toEqual([])
    expect(result.leftovers.every((one) => one.includes('.sealift-probe/'))).toBe(true)
  })

  it('not when they are interrupted either', async () => {
    const { group, producer, anonymous } = await granted()
    const stop = new AbortController()
    const stopping = changed(producer.store, {
      copyObject: async () => {
        stop.abort(new AppError('INTERRUPTED', 'interrupted'))
        throw stop.signal.reason
      },
    })
    const provers = { asProject: [{ ...producer, store: stopping }], anonymous }
    const revoked = revokeAccess(group, { bucket, project, provers }, stop.signal)
    await expect(revoked).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(await collect(group.listVersions(bucket))).toEqual([])
    expect(await collect(group.listMultipartUploads(bucket))).toEqual([])
  })
})

describe('a report', () => {
  it('has the same bytes, in whatever order its fields were written', () => {
    const json = fc.jsonValue({ maxDepth: 3 })
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), (fields) => {
        const reversed = Object.fromEntries(Object.entries(fields).reverse())
        const text = serializeReport(fields as unknown as RevokeReport)
        expect(serializeReport(reversed as unknown as RevokeReport)).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(fields)))
        expect(text.endsWith('}\n') && !text.slice(0, -1).includes('\n')).toBe(true)
      }),
    )
  })
})
