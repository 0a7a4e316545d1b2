import { randomBytes } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import type { StorageError } from '../../../src/storage/errors.ts'
import { retryOptionsOf, policyForOutagesOf, withRetry } from '../../../src/storage/with-retry.ts'
import { collect } from '../../conformance/steps.ts'
import { type PracticeStore, startPracticeStore } from './practice-store.ts'

let practice: PracticeStore | undefined
afterEach(async () => {
  await practice?.close()
  practice = undefined
})
const bytes = randomBytes(200_000)

it('a gateway that is restarted in the middle of an upload is waited for, and the object is whole', async () => {
  practice = await startPracticeStore()
  const { goDown, comeBack } = practice
  const failures: StorageError[] = []
  const store = withRetry(practice.store(), {
    policy: policyForOutagesOf(900),
    sleep: async () => {
      if (failures.length === 12) await comeBack()
    },
    onRetry: (error) => failures.push(error),
  })
  await store.createBucket('bucket')
  const upload = {
    bucket: 'bucket',
    objectKey: 'x',
    uploadId: await store.createMultipartUpload('bucket', 'x'),
  }
  await store.uploadPart(upload, 1, Buffer.alloc(5 * 1024 ** 2, 1))
  await goDown()
  const second = await store.uploadPart(upload, 2, bytes)
  const parts = await collect(store.listParts(upload))
  expect(parts.map(({ size }) => size)).toEqual([5 * 1024 ** 2, bytes.length])
  await store.completeMultipartUpload(upload, [{ partNumber: 1, etag: parts[0]?.etag ?? '' }, second])
  expect(await store.headObject('bucket', 'x')).toMatchObject({ size: 5 * 1024 ** 2 + bytes.length })
  // More often than a request that fails for other reasons is tried.
  expect(failures).toHaveLength(12)
})

it('one that has never answered is not waited for: its address is more likely wrong', async () => {
  practice = await startPracticeStore()
  await practice.goDown()
  const store = withRetry(practice.store(), { policy: policyForOutagesOf(900) })
  await expect(store.headObject('bucket', 'x')).rejects.toMatchObject({ code: 'ENDPOINT_UNREACHABLE' })
})

it('what repeats a body itself keeps to the rules of its store', async () => {
  practice = await startPracticeStore()
  const plain = practice.store()
  const onRetry = (): void => undefined
  const policy = policyForOutagesOf(60)
  expect(retryOptionsOf(plain)).toEqual({})
  expect(retryOptionsOf(withRetry(plain, { policy, onRetry }))).toMatchObject({ policy, onRetry })
})
