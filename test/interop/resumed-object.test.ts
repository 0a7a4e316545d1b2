import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import { generateKeyPair, serializePublicKey, serializeSecretKey, type KeyPair } from '../../src/index.ts'
import { createMemoryStore } from '../../src/storage/memory-store.ts'
import { upload } from '../../src/workflows/upload.ts'
import { read } from '../conformance/steps.ts'
import { fault, faultyStore } from '../storage/faulty-store.ts'
import { missing } from '../support/requirements.ts'
import { goTool, pythonTool, sealift } from './crypt4gh-tools.ts'

const MIB = 1024 ** 2
const content = randomBytes(22 * MIB)

let home: string
/** Objects of several data keys: how many, and the object. */
const sealed = new Map<number, Buffer>()

/** Uploads a file that is cut off at each of these parts, and completed in the end. */
async function uploadCutAt(reader: KeyPair, cuts: readonly number[]): Promise<Buffer> {
  const memory = createMemoryStore()
  await memory.createBucket('import')
  const { publicKey } = reader
  const request = {
    sources: [join(home, 'reads')],
    bucket: 'import',
    target: 'reads.c4gh',
    recipients: [{ name: 'reader', publicKey, fingerprint: fingerprint(publicKey) }],
    force: false,
    partSize: 5 * MIB,
    concurrency: 1,
    journal: { endpoint: 'e', stateFolder: join(home, 'state'), command: [], folder: home },
  }
  for (const part of cuts) {
    const { store } = faultyStore(memory, {
      uploadPart: (...args) =>
        args[1] >= part
          ? Promise.reject(fault('UploadPart', 'ENDPOINT_UNREACHABLE'))
          : memory.uploadPart(...args),
    })
    await expect(upload({ ...request, store })).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
  }
  const { objects } = await upload({ ...request, store: memory })
  expect(objects[0]?.dataKeyCount).toBe(cuts.length + 1)
  return read(memory, 'import', 'reads.c4gh')
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sealift-resumed-'))
  const reader = await generateKeyPair()
  await writeFile(join(home, 'reads'), content)
  await writeFile(join(home, 'reader.sec'), await serializeSecretKey(reader, {}))
  await writeFile(join(home, 'reader.pub'), serializePublicKey(reader.publicKey))
  sealed.set(2, await uploadCutAt(reader, [3]))
  sealed.set(3, await uploadCutAt(reader, [2, 4]))
})
afterAll(async () => {
  await rm(home, { recursive: true })
})

describe.each([2, 3])('an object of %i data keys, made by a resumed upload', (keys) => {
  it('is read by sealift', async () => {
    expect((await sealift(home).decrypt(sealed.get(keys)!, 'reader.sec')).equals(content)).toBe(true)
  })

  it.skipIf(missing('crypt4gh-python'))('is read by the reference implementation (Python)', async () => {
    expect((await pythonTool(home).decrypt(sealed.get(keys)!, 'reader.sec')).equals(content)).toBe(true)
  })

  it.skipIf(missing('crypt4gh-go'))("is read by neicnordic's tool (Go)", async () => {
    expect((await goTool(home).decrypt(sealed.get(keys)!, 'reader.sec')).equals(content)).toBe(true)
  })
})
