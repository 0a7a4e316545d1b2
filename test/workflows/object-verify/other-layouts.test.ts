/** Objects whose parts were made by the other ways of sealift: their ETags are found without a key. */
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { sealStreamAndUpload } from '../../../src/transfer/seal-stream-and-upload.ts'
import { startSegmentEngine } from '../../../src/transfer/segment-engine.ts'
import { rekeyObject } from '../../../src/workflows/rekey/rekey-object.ts'
import { BUCKET, createScene, sealedForBoth, verifyOne } from './scene.ts'

const MIB = 1024 ** 2
const NAME = { bucket: BUCKET, objectKey: 'reads.bam.c4gh' }

it('a header that was replaced on the server', async () => {
  const scene = await createScene()
  const { object } = await sealedForBoth(randomBytes(20 * MIB), [scene.reader])
  await scene.put(NAME.objectKey, object)
  const change = {
    identities: [scene.reader],
    added: [scene.other.publicKey],
    removed: [],
    dropOthers: false,
  }
  const rekeyed = await rekeyObject(scene.store, { source: NAME, target: NAME }, change, {
    force: false,
    versioned: false,
  })
  expect(rekeyed).toMatchObject({ way: 'copied', parts: 2 })
  expect(await verifyOne(scene, NAME.objectKey)).toMatchObject({
    outcome: 'whole',
    etag: 'matches',
    parts: 2,
  })
  const withKey = await verifyOne(scene, NAME.objectKey, { identities: [scene.other] })
  expect(withKey).toMatchObject({ outcome: 'whole', etag: 'matches', packets: 2, checked: 320 })
})

it('a stream', async () => {
  const scene = await createScene()
  const engine = startSegmentEngine(0)
  const plaintext = async function* () {
    for (let sent = 0; sent < 18; sent += 1) yield randomBytes(MIB)
  }
  const options = { store: scene.store, engine, concurrency: 2, replace: false }
  const uploaded = await sealStreamAndUpload(plaintext(), NAME, [scene.reader.publicKey], options)
  await engine.close()
  const told = await verifyOne(scene, NAME.objectKey, { identities: [scene.reader] })
  expect(told).toMatchObject({ outcome: 'whole', etag: 'matches', parts: 3, sha256: uploaded.sha256 })
})
