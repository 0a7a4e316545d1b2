import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PersonalityName } from '../../../src/sandbox/personality/names.ts'
import { failure } from '../../../src/storage/failure.ts'
import { createS3Store } from '../../../src/storage/s3/s3-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { bucketFindings, type BucketFindings } from '../../../src/workflows/bucket-findings.ts'
import { startSandboxAs, type Backend } from '../../support/backends.ts'

const BUCKET = 'inbox'

function look(store: Store): Promise<BucketFindings> {
  const known = { projects: [], events: [], damagedLines: 0, ownUploadIds: new Set<string>() }
  return bucketFindings(store, { bucket: BUCKET, withObjects: true, known })
}

/** The store with other answers in some places. */
function changed(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) =>
      (methods as Record<PropertyKey, unknown>)[name] ?? (Reflect.get(target, name) as unknown),
  })
}

function at(personality: PersonalityName, tests: (store: () => Store) => void): void {
  describe(`at the sandbox as ${personality}`, () => {
    let backend: Backend
    let store: Store
    beforeAll(async () => {
      backend = await startSandboxAs(personality)
      store = createS3Store({ endpoint: backend.endpoint, credentials: backend.projects.group })
      await store.createBucket(BUCKET)
      for (const objectKey of ['a', 'b']) await store.putObject(BUCKET, objectKey, Buffer.from('sealed'))
    })
    afterAll(async () => {
      store.close()
      await backend.close()
    })
    tests(() => store)
  })
}

describe('an audit of a new bucket', () => {
  for (const personality of ['aws', 'swift'] as const) {
    at(personality, (store) => {
      it('finds nothing', async () => {
        const { objects, findings } = await look(store())
        expect(findings).toEqual([])
        expect(objects).toMatchObject({ count: 2, grants: [] })
        expect(objects).not.toHaveProperty('skipped')
      })
    })
  }

  at('versitygw', (store) => {
    it('says that there are no ACLs of objects to look at', async () => {
      const { objects, findings } = await look(store())
      expect(findings).toEqual([])
      expect(objects).toMatchObject({ count: 2, grants: [], skipped: 'versitygw has no object ACLs' })
    })
  })

  at('minio', (store) => {
    it('is refused: what is granted there means nothing', async () => {
      await expect(look(store())).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    })
  })

  at('garbled', (store) => {
    it('is refused: a policy that is not understood is not none', async () => {
      await expect(look(store())).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    })
  })

  at('rgw', (store) => {
    const where = { operation: 'GetObjectAcl', bucket: BUCKET }

    it('counts objects whose ACL is hidden or not understood, though they can be read', async () => {
      for (const error of [
        failure('ACCESS_DENIED', where),
        failure('UNSUPPORTED', where, 'a grant by mail'),
      ]) {
        const hiding = changed(store(), {
          objectAcl: async (_bucket, objectKey, options) => {
            if (objectKey === 'a') throw error
            return store().objectAcl(BUCKET, objectKey, options)
          },
        })
        const { objects, findings } = await look(hiding)
        expect(objects).toMatchObject({ count: 2, hidden: { count: 1, examples: ['a'] } })
        expect(objects).not.toHaveProperty('skipped')
        expect(findings).toMatchObject([{ kind: 'unreadable' }])
      }
    })

    it('leaves out what is deleted meanwhile', async () => {
      const vanishing = changed(store(), {
        objectAcl: async (_bucket, objectKey) => {
          throw failure('OBJECT_NOT_FOUND', { ...where, objectKey })
        },
      })
      const { objects } = await look(vanishing)
      expect(objects).toMatchObject({ count: 0, grants: [] })
    })

    it('ends at a failure of the store: what was not looked at is not clean', async () => {
      const failing = changed(store(), {
        objectAcl: async () => {
          throw failure('STORE_FAILURE', where)
        },
      })
      await expect(look(failing)).rejects.toMatchObject({ code: 'STORE_FAILURE' })
    })

    it('is the same where unfinished uploads are not listed, and says so', async () => {
      const unlisted = changed(store(), {
        listMultipartUploads: () => {
          throw failure('UNSUPPORTED', { operation: 'ListMultipartUploads', bucket: BUCKET })
        },
      })
      const { uploads, findings } = await look(unlisted)
      expect(uploads).toMatchObject({
        others: 0,
        unclear: 0,
        skipped: expect.stringMatching(/list/) as string,
      })
      expect(findings).toEqual([])
    })

    it('tells thousands of identities apart up to a limit, and says how many grants are beyond', async () => {
      let asked = 0
      const many = changed(store(), {
        listObjects: async function* () {
          for (let n = 0; n < 1100; n++) {
            const entry = { size: 1, etag: '', lastModified: undefined, ownerId: 'project_2000222' }
            yield Promise.resolve({ objectKey: `o${n}`, ...entry })
          }
        },
        objectAcl: async () => ({
          ownerId: 'project_2000222',
          grants: [
            { grantee: { type: 'canonical', id: 'project_2000222' }, permission: 'FULL_CONTROL' },
            { grantee: { type: 'canonical', id: `stranger_${asked++}` }, permission: 'READ' },
          ],
        }),
      })
      const { objects } = await look(many)
      expect(objects?.grants).toHaveLength(1000)
      expect(objects?.uncounted).toBe(100)
    })
  })
})
