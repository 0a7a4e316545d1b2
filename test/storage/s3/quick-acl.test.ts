import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshCredentials } from '../../../src/storage/s3/fresh-credentials.ts'
import { quickAcls, type QuickAcls } from '../../../src/storage/s3/quick-acl.ts'
import { createS3Store } from '../../../src/storage/s3/s3-store.ts'
import type { Credentials } from '../../../src/storage/s3/connection.ts'
import { onEveryBackend } from '../../support/on-every-backend.ts'

const BUCKET = 'quick-acls'
const KEYS = ['plain', 'run_12/a b+c.c4gh', 'ünïcode/数据~-._', "punctuation!'()*:@&=$,;#?%41"]
const ODD_KEYS = ['double//slash', 'dots/../and/./more']

function quick(endpoint: string, credentials: Credentials): QuickAcls {
  const fresh = freshCredentials({ first: credentials, read: async () => credentials })
  return quickAcls({ endpoint, credentials }, fresh, Date.now)!
}

onEveryBackend('ACLs of objects, read quickly', (stage) => {
  let acls: QuickAcls
  beforeAll(async () => {
    const { group, backend } = stage()
    await group.s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
    for (const Key of [...KEYS, ...ODD_KEYS]) {
      await group.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x', ACL: 'public-read' }))
    }
    acls = quick(backend.endpoint, group.project)
  })
  afterAll(() => {
    acls.close()
  })

  it.each(KEYS)('of %s is the one that the SDK reads', async (objectKey) => {
    const { backend, group } = stage()
    // A version is what the quick way does not ask for.
    const slow = createS3Store({ endpoint: backend.endpoint, credentials: group.project })
    const expected = await slow.objectAcl(BUCKET, objectKey, { versionId: 'null' })
    slow.close()
    expect(expected.grants.length).toBe(2)
    expect(await acls.read(BUCKET, objectKey)).toEqual(expected)
  })

  it.each(ODD_KEYS)('of %s is left to the SDK, and the store has it', async (objectKey) => {
    const { backend, group } = stage()
    expect(await acls.read(BUCKET, objectKey)).toBeUndefined()
    const store = createS3Store({ endpoint: backend.endpoint, credentials: group.project })
    expect((await store.objectAcl(BUCKET, objectKey)).grants).toHaveLength(2)
    store.close()
  })

  it('is refused as ever, with the failure of the store', async () => {
    const { backend, outsider, group } = stage()
    const store = createS3Store({ endpoint: backend.endpoint, credentials: outsider.project })
    const address = backend.bucketAddress(BUCKET)
    await expect(store.objectAcl(address, 'plain')).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    store.close()
    expect(await acls.read(BUCKET, 'not there')).toBeUndefined()
    const wrong = quick(backend.endpoint, { ...group.project, secretAccessKey: 'wrong' })
    expect(await wrong.read(BUCKET, 'plain')).toBeUndefined()
    wrong.close()
    // None of that keeps it from going on.
    expect(await acls.read(BUCKET, 'plain')).toBeDefined()
  })
})

describe('a server that misbehaves', () => {
  it('and closes each connection is not asked for ever', async () => {
    let asked = 0
    const server = createServer((request) => {
      asked += 1
      request.socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const acls = quick(`http://127.0.0.1:${port}`, { accessKeyId: 'a', secretAccessKey: 'b' })
    for (let n = 0; n < 20; n++) expect(await acls.read(BUCKET, 'plain')).toBeUndefined()
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThan(20)
    acls.close()
    server.close()
  })

  it('and answers without an end is cut off', async () => {
    const server = createServer((_request, answer) => {
      const fill = (): void => {
        while (answer.write('x'.repeat(65_536)));
        answer.once('drain', fill)
      }
      fill()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const acls = quick(`http://127.0.0.1:${port}`, { accessKeyId: 'a', secretAccessKey: 'b' })
    expect(await acls.read(BUCKET, 'plain')).toBeUndefined()
    acls.close()
    server.closeAllConnections()
    server.close()
  })

  it('is not asked after the signal to stop', async () => {
    const acls = quick('http://127.0.0.1:9', { accessKeyId: 'a', secretAccessKey: 'b' })
    expect(await acls.read(BUCKET, 'plain', AbortSignal.abort())).toBeUndefined()
    acls.close()
  })

  it('and is addressed otherwise, or without credentials, is left to the SDK', () => {
    const keys = { accessKeyId: 'a', secretAccessKey: 'b' }
    const fresh = freshCredentials({ first: keys, read: async () => keys })
    const endpoint = 'https://s3.example.org'
    expect(quickAcls({ credentials: keys }, fresh, Date.now)).toBeUndefined()
    expect(quickAcls({ endpoint, credentials: keys, forcePathStyle: false }, fresh, Date.now)).toBeUndefined()
    expect(quickAcls({ endpoint, credentials: 'anonymous' }, undefined, Date.now)).toBeUndefined()
  })
})
