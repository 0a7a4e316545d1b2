/** Objects of which nothing tells what their bytes should be, and places where nothing is to be verified. */
import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { createScene, sealedForBoth, verify, type Scene } from './scene.ts'

const MIB = 1024 ** 2
const UNREAD = 'nothing behind its header was looked at'

let scene: Scene
beforeEach(async () => {
  scene = await createScene()
})

describe('an object without a key, whose ETag is no MD5', () => {
  it.each([
    ['fetched whole', 1000],
    ['large', 4 * MIB],
  ])('that is %s counts no byte as read, and says so', async (_what, size) => {
    const { object } = await sealedForBoth(randomBytes(size), [scene.reader])
    await scene.put('a.c4gh', object)
    scene.kept('a.c4gh').etag = 'encrypted-by-the-server'
    const done: number[] = []
    const { objects, bytes } = await verify(scene, 'a.c4gh', {
      onProgress: ({ doneBytes }) => done.push(doneBytes),
    })
    expect(objects).toMatchObject([{ outcome: 'unproven', etag: 'no md5', code: 'UNSUPPORTED' }])
    expect(objects[0]?.message).toContain(UNREAD)
    expect(bytes).toBe(0)
    // There is no more to do.
    expect(done.at(-1)).toBe(object.length)

    const stranger = await verify(scene, 'a.c4gh', { identities: [scene.other] })
    expect(stranger).toMatchObject({ bytes: 0, objects: [{ outcome: 'not-for-us' }] })
    expect(stranger.objects[0]?.message).toContain(UNREAD)

    const withKey = await verify(scene, 'a.c4gh', { identities: [scene.reader] })
    expect(withKey).toMatchObject({ bytes: object.length, objects: [{ outcome: 'whole' }] })
  })

  it('is told from one that was read in vain', async () => {
    const { object } = await sealedForBoth(randomBytes(4 * MIB), [scene.reader])
    await scene.putInParts('a.c4gh', object, [1_234_567, object.length - 1_234_567])
    const { objects, bytes } = await verify(scene, 'a.c4gh')
    expect(objects).toMatchObject([{ outcome: 'unproven', etag: 'unknown layout' }])
    expect(objects[0]?.message).not.toContain(UNREAD)
    expect(bytes).toBe(object.length)
  })
})

it('of headers alone only their bytes are counted', async () => {
  const { object, headerLength } = await sealedForBoth(randomBytes(2 * MIB), [scene.reader])
  await scene.put('a.c4gh', object)
  expect(await verify(scene, 'a.c4gh', { headersOnly: true })).toMatchObject({ bytes: headerLength })
})

describe('below a prefix', () => {
  it('with published keys and folders alone nothing is verified, which is no success', async () => {
    await scene.put('keys/', new Uint8Array())
    await scene.put('keys/animine.pub', Buffer.from('a public key'))
    await expect(verify(scene, '')).rejects.toMatchObject({
      code: 'OBJECT_NOT_FOUND',
      message: expect.stringContaining('only published keys and folder markers') as string,
    })
  })

  it('what is named as a published key and too large for one is verified', async () => {
    const { object } = await sealedForBoth(randomBytes(64 * 1024), [scene.reader])
    object[object.length - 1]! ^= 1
    await scene.put('keys/animine.pub', object)
    await scene.put('keys/other.pub', Buffer.from('a public key'))
    const { failure, skipped, counts } = await verify(scene, 'keys/', { identities: [scene.reader] })
    expect(failure?.code).toBe('AUTHENTICATION_FAILED')
    expect({ skipped, damaged: counts.damaged }).toEqual({ skipped: 1, damaged: 1 })
  })
})
