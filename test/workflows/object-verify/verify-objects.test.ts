import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT_CODES } from '../../../src/cli/exit-codes.ts'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { fingerprint } from '../../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { StorageError } from '../../../src/storage/errors.ts'
import { planParts } from '../../../src/transfer/part-plan.ts'
import { plain } from '../../crypto/vectors.ts'
import { countingStore } from '../../support/counting-store.ts'
import { BUCKET, createScene, sealedForBoth, verify, verifyOne, type Scene } from './scene.ts'

const MIB = 1024 ** 2

let folder: string
let scene: Scene
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-verify-objects-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  scene = await createScene()
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

describe('an object', () => {
  it('is told with all that was seen of it', async () => {
    const plaintext = plain(3 * SEGMENT_SIZE + 1)
    const { object } = await sealedForBoth(plaintext, [scene.reader, scene.other])
    await scene.put('a.c4gh', object)
    const { senders, ...told } = await verifyOne(scene, 'a.c4gh', { identities: [scene.reader] })
    expect(senders).toHaveLength(1)
    expect(told).toEqual({
      objectKey: 'a.c4gh',
      size: object.length,
      storedEtag: createHash('md5').update(object).digest('hex'),
      outcome: 'whole',
      etag: 'matches',
      packets: 2,
      plaintextSize: plaintext.length,
      segments: 4,
      checked: 4,
      skipped: [],
      dataKeys: 1,
      sha256: sha256(plaintext),
      findings: [],
    })
  })

  it('of nothing is Crypt4GH when it has a header, and not when it has none', async () => {
    const { object } = await sealedForBoth(new Uint8Array(), [scene.reader])
    await scene.put('empty.c4gh', object)
    await scene.put('empty', new Uint8Array())
    const whole = await verifyOne(scene, 'empty.c4gh', { identities: [scene.reader] })
    expect(whole).toMatchObject({ outcome: 'whole', segments: 0, plaintextSize: 0, sha256: sha256(plain(0)) })
    expect(await verifyOne(scene, 'empty')).toMatchObject({ outcome: 'not-crypt4gh', etag: 'matches' })
  })

  it('is compared with what its reader gets, under an edit list', async () => {
    const plaintext = plain(5 * SEGMENT_SIZE)
    const editList = [BigInt(SEGMENT_SIZE), 10n, BigInt(2 * SEGMENT_SIZE), BigInt(SEGMENT_SIZE)]
    const { object, headerLength } = await sealedForBoth(plaintext, [scene.reader], editList)
    const kept = Buffer.concat([
      plaintext.subarray(SEGMENT_SIZE, SEGMENT_SIZE + 10),
      plaintext.subarray(3 * SEGMENT_SIZE + 10, 4 * SEGMENT_SIZE + 10),
    ])
    await scene.put('edited.c4gh', object)
    const request = { identities: [scene.reader] }
    const told = await verifyOne(scene, 'edited.c4gh', request)
    expect(told).toMatchObject({
      outcome: 'whole',
      plaintextSize: kept.length,
      sha256: sha256(kept),
      checked: 5,
      skipped: [
        { first: 0, count: 1 },
        { first: 2, count: 1 },
      ],
    })
    // Stored anew with another hidden segment: its reader gets the same, and is told.
    object[headerLength + 2 * ENCRYPTED_SEGMENT_SIZE + 30]! ^= 1
    await scene.put('edited.c4gh', object)
    const changed = await verifyOne(scene, 'edited.c4gh', request)
    expect(changed).toMatchObject({ outcome: 'whole', sha256: sha256(kept) })
    expect(changed.findings.map(({ finding }) => finding)).toContain('hidden-segments-damaged')
  })

  it('that is damaged is named with its first bad bytes, and looked at to its end', async () => {
    const { object, headerLength } = await sealedForBoth(plain(40 * SEGMENT_SIZE), [scene.reader])
    const at = (segment: number) => headerLength + segment * ENCRYPTED_SEGMENT_SIZE
    for (const segment of [7, 8, 30]) object[at(segment) + 1000]! ^= 4
    await scene.put('a.c4gh', object)
    const { failure, objects } = await verify(scene, 'a.c4gh', { identities: [scene.reader] })
    const [first, last] = [at(7), at(9) - 1]
    expect(failure).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: `s3://${BUCKET}/a.c4gh: 3 of 40 segments are damaged or forged (7 to 8, 30); the first bad bytes are ${first} to ${last} of the object, plaintext from ${7 * SEGMENT_SIZE} on`,
    })
    expect(objects).toMatchObject([
      {
        outcome: 'damaged',
        badSegments: 3,
        firstBad: { first, last, plaintextOffset: 7 * SEGMENT_SIZE },
        bad: [
          { first: 7, count: 2 },
          { first: 30, count: 1 },
        ],
      },
    ])
    expect(objects[0]).not.toHaveProperty('sha256')
  })

  it.each([1, 27])('with %i bytes too many has an impossible size', async (more) => {
    const { object } = await sealedForBoth(plain(2 * SEGMENT_SIZE), [scene.reader])
    await scene.put('a.c4gh', Buffer.concat([object, Buffer.alloc(more)]))
    for (const identities of [[], [scene.reader]]) {
      expect(await verifyOne(scene, 'a.c4gh', { identities })).toMatchObject({
        outcome: 'damaged',
        code: 'AUTHENTICATION_FAILED',
        firstBad: { first: object.length, last: object.length + more - 1, plaintextOffset: 2 * SEGMENT_SIZE },
      })
    }
  })

  it('that ends in its header is damaged', async () => {
    const { object } = await sealedForBoth(plain(10), [scene.reader])
    await scene.put('a.c4gh', object.subarray(0, 100))
    expect(await verifyOne(scene, 'a.c4gh')).toMatchObject({ outcome: 'damaged', code: 'INVALID_HEADER' })
    expect(await verifyOne(scene, 'a.c4gh', { headersOnly: true })).toMatchObject({ code: 'INVALID_HEADER' })
  })

  it('for somebody else is told as such, and damage comes first', async () => {
    const { object } = await sealedForBoth(plain(10), [scene.other])
    await scene.put('a.c4gh', object)
    const request = { identities: [scene.reader] }
    const { failure, objects } = await verify(scene, 'a.c4gh', request)
    expect(objects).toMatchObject([{ outcome: 'not-for-us', etag: 'matches', code: 'NO_MATCHING_KEY' }])
    expect(EXIT_CODES[failure!.code]).toBe(12)
    scene.kept('a.c4gh').body[130]! ^= 1
    expect(await verifyOne(scene, 'a.c4gh', request)).toMatchObject({ outcome: 'damaged', code: 'INTEGRITY' })
  })

  it('by another sender is a failure', async () => {
    const stranger = await generateKeyPair()
    const { object } = await sealedForBoth(plain(10), [scene.reader])
    await scene.put('a.c4gh', object)
    const request = { identities: [scene.reader], senders: [stranger.publicKey] }
    await expect(verify(scene, 'a.c4gh', request)).rejects.toMatchObject({ code: 'UNEXPECTED_SENDER' })
    expect(fingerprint(stranger.publicKey)).toMatch(/^SHA256:/)
  })
})

describe('an object in parts', () => {
  it('of ours or of the usual tools is whole without a key', async () => {
    const { object, headerLength } = await sealedForBoth(randomBytes(20 * MIB), [scene.reader])
    const plan = planParts(20 * MIB, headerLength)
    const ours = Array.from({ length: plan.partCount }, (_, index) => plan.part(index + 1).size)
    const theirs = [5 * MIB, 5 * MIB, 5 * MIB, 5 * MIB, object.length - 20 * MIB]
    await scene.putInParts('ours.c4gh', object, ours)
    await scene.putInParts('theirs.c4gh', object, theirs)
    for (const [objectKey, sizes] of [
      ['ours.c4gh', ours],
      ['theirs.c4gh', theirs],
    ] as const) {
      const told = await verifyOne(scene, objectKey)
      expect(told).toMatchObject({ outcome: 'whole', etag: 'matches', parts: sizes.length })
    }
  })

  it('of unusual sizes is unproven without a key, and never called damaged', async () => {
    const { object } = await sealedForBoth(randomBytes(4 * MIB), [scene.reader])
    await scene.putInParts('a.c4gh', object, [1_234_567, object.length - 1_234_567])
    const { failure, objects } = await verify(scene, 'a.c4gh')
    expect(objects).toMatchObject([{ outcome: 'unproven', etag: 'unknown layout', code: 'UNSUPPORTED' }])
    expect(failure?.hints[0]).toMatch(/--identity/)
    const withKey = await verifyOne(scene, 'a.c4gh', { identities: [scene.reader] })
    expect(withKey).toMatchObject({ outcome: 'whole', etag: 'unknown layout', checked: 64 })
    expect(withKey).not.toHaveProperty('code')
  })
})

describe('recorded digests', () => {
  it('are compared with the plaintext', async () => {
    const list = join(folder, 'list.sha256')
    for (const name of ['a', 'b', 'c']) {
      const { object } = await sealedForBoth(Buffer.from(`plaintext of ${name}`), [scene.reader])
      await scene.put(`run_12/${name}.c4gh`, object)
    }
    const digest = (name: string) => sha256(Buffer.from(`plaintext of ${name}`))
    await writeFile(list, `${digest('a')}  a\n${digest('a')}  b\n${digest('x')}  x\n`)
    const request = { identities: [scene.reader], digests: list }
    const { failure, objects, unmatched } = await verify(scene, 'run_12/', request)
    expect(objects).toMatchObject([
      { objectKey: 'run_12/a.c4gh', outcome: 'whole', recorded: 'matches', findings: [] },
      { objectKey: 'run_12/b.c4gh', outcome: 'damaged', recorded: 'differs', code: 'INTEGRITY' },
      {
        objectKey: 'run_12/c.c4gh',
        outcome: 'whole',
        recorded: 'not recorded',
        findings: [{ finding: 'not-recorded' }],
      },
    ])
    expect(failure?.message).toMatch(/run_12\/b\.c4gh: its plaintext has the SHA-256/)
    expect(unmatched).toEqual({ count: 1, examples: ['x'] })
    await expect(verify(scene, 'run_12/', { digests: list })).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('many objects', () => {
  async function fill(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const { object } = await sealedForBoth(Buffer.from(name), [scene.reader])
      await scene.put(`run_12/${name}.c4gh`, object)
    }
  }

  it('are counted, and what nobody encrypts is left out', async () => {
    await fill(['b', 'a', 'c'])
    await scene.put('run_12/', new Uint8Array())
    await scene.put('keys/animine.pub', Buffer.from('a public key'))
    const result = await verify(scene, '', { identities: [scene.reader] })
    expect(result.objects.map(({ objectKey }) => objectKey)).toEqual([
      'run_12/a.c4gh',
      'run_12/b.c4gh',
      'run_12/c.c4gh',
    ])
    expect(result).toMatchObject({ skipped: 2, notTried: 0, omitted: 0, failed: [] })
    expect(result.counts).toEqual({ whole: 3, unproven: 0, damaged: 0, 'not-for-us': 0, 'not-crypt4gh': 0 })
    await expect(verify(scene, 'run_1')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
    await expect(verify(scene, 'run_1/')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
  })

  it('fail in part: what is whole stays in the result', async () => {
    await fill(['a', 'b'])
    await scene.put('run_12/readme.txt', Buffer.from('not encrypted at all'))
    const { failure, objects } = await verify(scene, 'run_12/', { identities: [scene.reader] })
    expect(failure).toBeUndefined()
    expect(objects.map(({ outcome }) => outcome)).toEqual(['whole', 'whole', 'not-crypt4gh'])
  })

  it('end at the first that is not whole, when asked to', async () => {
    await fill(Array.from({ length: 30 }, (_, index) => String(index).padStart(2, '0')))
    scene.kept('run_12/05.c4gh').body[140]! ^= 1
    const request = { identities: [scene.reader], failFast: true, concurrency: 1 }
    const result = await verify(scene, 'run_12/', request)
    expect(result.failure?.code).toBe('AUTHENTICATION_FAILED')
    expect(result.counts).toMatchObject({ damaged: 1, whole: 5 })
    expect(result.notTried).toBe(24)
  })

  it('are all in the report', async () => {
    await fill(['a', 'b', 'c'])
    scene.kept('run_12/b.c4gh').body[0]! ^= 1
    const report = join(folder, 'report.json')
    await verify(scene, 'run_12/', { report })
    expect((await stat(report)).mode & 0o777).toBe(0o600)
    const written = JSON.parse(await readFile(report, 'utf8')) as Record<string, unknown>
    expect(written).toMatchObject({ format: 'sealift-verify-report', place: `s3://${BUCKET}/run_12/` })
    expect(written['counts']).toMatchObject({ whole: 2, damaged: 1 })
    const objects = written['objects'] as { objectKey: string; outcome: string }[]
    expect(objects.map(({ objectKey, outcome }) => `${objectKey} ${outcome}`).sort()).toEqual([
      'run_12/a.c4gh whole',
      'run_12/b.c4gh damaged',
      'run_12/c.c4gh whole',
    ])
  })
})

describe('an object that is replaced', () => {
  async function bigAndSmall(): Promise<void> {
    const big = await sealedForBoth(randomBytes(12 * MIB), [scene.reader])
    const small = await sealedForBoth(plain(100), [scene.reader])
    await scene.put('big.c4gh', big.object)
    await scene.put('small.c4gh', small.object)
  }

  it('while it is read has changed, and is not damaged', async () => {
    await bigAndSmall()
    const { object } = await sealedForBoth(randomBytes(12 * MIB), [scene.reader])
    const counting = countingStore(scene.store)
    counting.beforeGet = async ({ range }) => {
      if ((range?.offset ?? 0) > MIB) await scene.put('big.c4gh', object)
    }
    const result = await verify({ store: counting.store }, '', { identities: [scene.reader], concurrency: 1 })
    expect(result.failed).toMatchObject([{ name: 'big.c4gh', code: 'OBJECT_CHANGED' }])
    expect(result.counts).toMatchObject({ whole: 1, damaged: 0 })
  })

  it('after it was listed is looked at as it is now', async () => {
    await bigAndSmall()
    const { object } = await sealedForBoth(plain(90), [scene.reader])
    const counting = countingStore(scene.store)
    let replaced = false
    counting.beforeGet = async ({ objectKey }) => {
      if (objectKey !== 'small.c4gh' || replaced) return
      replaced = true
      await scene.put('small.c4gh', object)
    }
    const result = await verify({ store: counting.store }, '', { identities: [scene.reader] })
    expect(result.failed).toEqual([])
    expect(result.counts).toMatchObject({ whole: 2 })
    expect(counting.heads).toEqual(['small.c4gh'])
  })
})

describe('reading', () => {
  it('takes one request for a small object, and each byte of a large one once but for its beginning', async () => {
    const { object } = await sealedForBoth(randomBytes(20 * MIB), [scene.reader])
    const small = await sealedForBoth(plain(100), [scene.reader])
    await scene.put('big.c4gh', object)
    await scene.put('small.c4gh', small.object)
    const counting = countingStore(scene.store)
    await verify({ store: counting.store }, '', { identities: [scene.reader] })
    const bytesOf = (objectKey: string) =>
      counting.gets
        .filter((get) => get.objectKey === objectKey)
        .reduce((sum, { range }) => sum + (range?.length ?? 0), 0)
    expect(counting.gets.filter(({ objectKey }) => objectKey === 'small.c4gh')).toHaveLength(1)
    expect(bytesOf('big.c4gh')).toBe(object.length + 64 * 1024)
    expect(counting.heads).toEqual([])
  })

  it('of headers alone fetches no body', async () => {
    const { object } = await sealedForBoth(randomBytes(3 * MIB), [scene.reader])
    await scene.put('big.c4gh', object)
    const counting = countingStore(scene.store)
    const request = { headersOnly: true, identities: [scene.reader] }
    const { failure, objects } = await verify({ store: counting.store }, 'big.c4gh', request)
    expect(failure).toBeUndefined()
    expect(objects).toMatchObject([{ outcome: 'unproven', etag: 'not checked', packets: 1, dataKeys: 1 }])
    expect(counting.gets.map(({ range }) => range)).toEqual([{ offset: 0, length: 64 * 1024 }])
  })

  it('fetches a range again that broke off', async () => {
    const { object } = await sealedForBoth(randomBytes(3 * MIB), [scene.reader])
    await scene.put('big.c4gh', object)
    const counting = countingStore(scene.store)
    let broken = 0
    counting.beforeGet = () => {
      broken += 1
      if (broken !== 2) return
      throw new StorageError('INTEGRITY', 'it broke off', { operation: 'GetObject', retryable: true })
    }
    expect(await verifyOne({ store: counting.store }, 'big.c4gh')).toMatchObject({ outcome: 'whole' })
  })

  it('is done by threads for much, with the same answers', async () => {
    const plaintext = randomBytes(40 * MIB + 17)
    const { object, headerLength } = await sealedForBoth(plaintext, [scene.reader])
    await scene.put('a.c4gh', object)
    const request = { identities: [scene.reader], threads: 2 }
    expect(await verifyOne(scene, 'a.c4gh', request)).toMatchObject({
      outcome: 'whole',
      etag: 'matches',
      checked: 641,
      sha256: sha256(plaintext),
    })
    scene.kept('a.c4gh').body[headerLength + 600 * ENCRYPTED_SEGMENT_SIZE]! ^= 1
    const damaged = await verifyOne(scene, 'a.c4gh', request)
    expect(damaged).toMatchObject({ outcome: 'damaged', bad: [{ first: 600, count: 1 }], etag: 'differs' })
  })

  it('ends with the signal, and leaves no report', async () => {
    const { object } = await sealedForBoth(randomBytes(20 * MIB), [scene.reader])
    await scene.put('a.c4gh', object)
    const abort = new AbortController()
    const counting = countingStore(scene.store)
    counting.beforeGet = ({ range }) => {
      if ((range?.offset ?? 0) > 0) abort.abort(new TypeError('stopped'))
    }
    const report = join(folder, 'never.json')
    const { verifyObjects } = await import('../../../src/workflows/object-verify/verify-objects.ts')
    const request = { place: { bucket: BUCKET, objectKey: 'a.c4gh' }, identities: [scene.reader], report }
    await expect(verifyObjects(counting.store, request, abort.signal)).rejects.toThrow('stopped')
    await expect(stat(report)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
