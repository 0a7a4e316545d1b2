import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../src/crypto/crypt4gh/format.ts'
import { sealHeader } from '../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey, sealSegments } from '../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../../src/crypto/crypt4gh/sizes.ts'
import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { verifyFile, type VerifyRequest, type VerifyResult } from '../../src/workflows/verify-file.ts'
import { identityOf, index, plain, readVector } from '../crypto/vectors.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-verify-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

function verify(path: string, identities: KeyPair[], more: Partial<VerifyRequest> = {}) {
  return verifyFile({ path, identities, ...more })
}

async function verifyVector(file: string, reader: string, more: Partial<VerifyRequest> = {}) {
  const path = join(folder, 'vector.c4gh')
  await writeFile(path, readVector(file))
  return verify(path, [await identityOf(reader)], more)
}

/** How each faulty vector is refused: the exit code of all but NO_MATCHING_KEY is 13. */
const REFUSALS: Record<string, string> = {
  'short-segment-in-middle': 'AUTHENTICATION_FAILED',
  'not-for-me': 'NO_MATCHING_KEY',
  'only-edit-list': 'NO_MATCHING_KEY',
  'zero-packets': 'NO_MATCHING_KEY',
  'bad-magic': 'NOT_CRYPT4GH',
  'bad-packet-length-8': 'NO_MATCHING_KEY',
  'trunc-in-magic': 'NOT_CRYPT4GH',
  'trunc-in-segment': 'AUTHENTICATION_FAILED',
  'flip-data': 'AUTHENTICATION_FAILED',
  'flip-header-mac': 'NO_MATCHING_KEY',
}

/** What there is to say about accepted vectors. Undetectable ones are not here: nothing shows. */
const FINDINGS: Record<string, string[]> = {
  'nonce-reuse': ['nonce-reuse'],
  'edit-skip-exact-seg': ['hidden-segments'],
  'py-rearrange-first-seg': ['hidden-segments'],
}

describe('every vector gets its verdict', () => {
  const accepted = index.vectors.filter(({ expected }) => expected !== 'reject')
  it.each(accepted)('$name is verified', async ({ name, file, reader, plaintext_len: size }) => {
    for (const person of reader) {
      const result = await verifyVector(file, person)
      expect(result.plaintextSize).toBe(size)
      expect(result.bad).toEqual([])
      const skipped = result.skipped.reduce((sum, { count }) => sum + count, 0)
      expect(result.checked + skipped).toBe(result.segments)
      const findings = result.findings.map(({ finding }) => finding)
      expect(findings).toEqual(FINDINGS[name] ?? (skipped > 0 ? ['hidden-segments'] : []))
    }
  })

  const rejected = index.vectors.filter(({ expected }) => expected === 'reject')
  it.each(rejected)('$name is refused', async ({ name, file, reader }) => {
    const code = REFUSALS[name] ?? 'INVALID_HEADER'
    for (const person of reader) await expect(verifyVector(file, person)).rejects.toMatchObject({ code })
  })

  it('and nothing was written', async () => {
    expect(await readdir(folder)).toEqual(['vector.c4gh'])
  })
})

describe('a damaged file', () => {
  it('is named with its first bad bytes, and the sweep goes on behind them', async () => {
    const bytes = readVector('files/py-size-3M17.c4gh')
    const flip = (segment: number) => (bytes[124 + segment * ENCRYPTED_SEGMENT_SIZE + 100]! ^= 1)
    for (const segment of [3, 4, 40]) flip(segment)
    const path = join(folder, 'damaged.c4gh')
    await writeFile(path, bytes)
    const failure = await verify(path, [await identityOf('alice')]).catch((error: unknown) => error)
    const start = 124 + 3 * ENCRYPTED_SEGMENT_SIZE
    expect(failure).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: `${path}: 3 of 49 segments are damaged or forged (3 to 4, 40); the first bad bytes are ${start} to ${start + 2 * ENCRYPTED_SEGMENT_SIZE - 1} of the file, plaintext from ${3 * SEGMENT_SIZE} on`,
      result: {
        bad: [
          { first: 3, count: 2 },
          { first: 40, count: 1 },
        ],
        checked: 49,
      },
    })
  })

  it('with a few bytes too many is no Crypt4GH file', async () => {
    const path = join(folder, 'stray.c4gh')
    await writeFile(path, Buffer.concat([readVector('files/py-size-65536.c4gh'), Buffer.alloc(5)]))
    await expect(verify(path, [await identityOf('alice')])).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringMatching(/last 5 bytes/) as string,
    })
  })

  it('shows segments that were copied, which no tag does', async () => {
    const bytes = readVector('files/py-size-3M17.c4gh')
    const at = (segment: number) => 124 + segment * ENCRYPTED_SEGMENT_SIZE
    bytes.copyWithin(at(7), at(2), at(3))
    const path = join(folder, 'copied.c4gh')
    await writeFile(path, bytes)
    const { findings } = await verify(path, [await identityOf('alice')])
    expect(findings).toEqual([
      { finding: 'copied-segments', message: expect.stringMatching(/segment 7 after 2/) as string },
    ])
  })
})

describe('a header kept apart', () => {
  it('goes with its body', async () => {
    const bytes = readVector('files/py-size-65537.c4gh')
    const path = join(folder, 'body')
    const headerFile = join(folder, 'header')
    await writeFile(headerFile, bytes.subarray(0, 124))
    await writeFile(path, bytes.subarray(124))
    const alice = await identityOf('alice')
    expect(await verify(path, [alice], { headerFile })).toMatchObject({ plaintextSize: 65_537, checked: 2 })
    await writeFile(headerFile, bytes.subarray(0, 130))
    await expect(verify(path, [alice], { headerFile })).rejects.toMatchObject({ code: 'INVALID_HEADER' })
  })
})

describe('senders', () => {
  it('are checked when they are named', async () => {
    const [bob, carol] = await Promise.all([identityOf('bob'), identityOf('carol')])
    const file = 'files/py-size-1.c4gh'
    const senders = [carol.publicKey, bob.publicKey]
    expect((await verifyVector(file, 'alice', { senders })).senders).toEqual([fingerprint(bob.publicKey)])
    await expect(verifyVector(file, 'alice', { senders: [carol.publicKey] })).rejects.toMatchObject({
      code: 'UNEXPECTED_SENDER',
    })
  })

  it('of one reader should be one', async () => {
    const reader = await generateKeyPair()
    const dataKey = newDataKey()
    const [first, second] = await Promise.all([
      sealHeader({ dataKeys: [dataKey] }, [reader.publicKey]),
      sealHeader({ dataKeys: [newDataKey()] }, [reader.publicKey]),
    ])
    const body = new Uint8Array(encryptedBodySize(10))
    sealSegments(dataKey, plain(10), body)
    const header = Buffer.concat([first, second.subarray(16)])
    header.writeUInt32LE(2, 12)
    const path = join(folder, 'two-senders.c4gh')
    await writeFile(path, Buffer.concat([header, body]))
    const result: VerifyResult = await verify(path, [reader])
    expect(result).toMatchObject({ dataKeys: 2, findings: [{ finding: 'several-senders' }] })
  })
})

it('a file of many tasks is checked by worker threads, to its last segment', async () => {
  const reader = await generateKeyPair()
  const dataKey = newDataKey()
  const size = 40 * 1024 ** 2 + 17
  const body = new Uint8Array(encryptedBodySize(size))
  sealSegments(dataKey, new Uint8Array(size), body)
  const header = await sealHeader({ dataKeys: [dataKey] }, [reader.publicKey])
  const path = join(folder, 'large.c4gh')
  await writeFile(path, Buffer.concat([header, body]))
  const result = await verify(path, [reader])
  expect(result).toMatchObject({ plaintextSize: size, checked: 641, segments: 641, findings: [] })
  body[body.length - 1]! ^= 1
  await writeFile(path, Buffer.concat([header, body]))
  await expect(verify(path, [reader])).rejects.toMatchObject({ result: { bad: [{ first: 640, count: 1 }] } })
})
