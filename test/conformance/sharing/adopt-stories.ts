import { GetObjectCommand } from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'

import { adoptObjects } from '../../../src/workflows/adopt-objects.ts'
import { openBucket } from '../../../src/workflows/open-bucket.ts'
import { refusal } from '../../support/s3.ts'
import type { Stage } from './stage.ts'
import { get, keysOf, put, stateOf } from './steps.ts'

/** Objects that belong to whoever uploaded them become the bucket owner's, on a server where that is a difference. */
export function adoptStories(stage: () => Stage): void {
  const delivered = async (): Promise<{ bucket: string; theirs: string }> => {
    const { group, producer, newBucket, address } = stage()
    const bucket = newBucket()
    const terms = { role: 'depositor' } as const
    await openBucket(group.store, { bucket, project: producer.project, terms, keyFiles: [] })
    await put(group.s3, bucket, 'ours')
    await put(producer.s3, address(bucket), 'run_12/a')
    await put(producer.s3, address(bucket), 'run_13/b')
    return { bucket, theirs: address(bucket) }
  }

  it('what was delivered is taken over in place, and its producer reads it no more', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await delivered()
    expect(await get(producer.s3, theirs, 'run_12/a')).toBe('run_12/a')
    const { ownerId, adopted, failed } = await adoptObjects(group.store, { bucket })
    expect({ adopted: adopted.map(({ objectKey }) => objectKey).sort(), failed }).toEqual({
      adopted: ['run_12/a', 'run_13/b'],
      failed: [],
    })
    for (const Key of ['run_12/a', 'run_13/b']) {
      expect((await group.store.objectAcl(bucket, Key)).ownerId).toBe(ownerId)
      expect(await get(group.s3, bucket, Key)).toBe(Key)
      expect(await refusal(producer.s3.send(new GetObjectCommand({ Bucket: theirs, Key })))).toBe(403)
    }
    expect(await keysOf(group.s3, bucket)).toEqual(['ours', 'run_12/a', 'run_13/b'])
    expect((await adoptObjects(group.store, { bucket })).foreign).toEqual([])
  })

  it('a dry run tells what belongs to others and changes nothing', async () => {
    const { group, producer } = stage()
    const { bucket, theirs } = await delivered()
    const before = await stateOf(group.s3, bucket)
    const { foreign, adopted } = await adoptObjects(group.store, { bucket, prefix: 'run_12/', dryRun: true })
    expect(foreign.map(({ objectKey }) => objectKey)).toEqual(['run_12/a'])
    expect(adopted).toEqual([])
    expect(await stateOf(group.s3, bucket)).toEqual(before)
    expect(await get(producer.s3, theirs, 'run_12/a')).toBe('run_12/a')
  })

  it('nobody but the owner of the bucket takes anything over', async () => {
    const { group, producer, outsider } = stage()
    const { bucket, theirs } = await delivered()
    for (const { store } of [producer, outsider]) {
      await expect(adoptObjects(store, { bucket: theirs })).rejects.toMatchObject({
        code: expect.stringMatching(/^(ACCESS_DENIED|USAGE)$/) as string,
      })
    }
    expect((await adoptObjects(group.store, { bucket, dryRun: true })).foreign).toHaveLength(2)
  })
}
