import { afterAll, beforeAll, describe } from 'vitest'
import { accessStories } from './access-stories.ts'
import { bucketStories } from './bucket-stories.ts'
import { copyStories } from './copy-stories.ts'
import { listingStories } from './listing-stories.ts'
import { multipartStories } from './multipart-stories.ts'
import { objectStories } from './object-stories.ts'
import type { Lacks, Parties } from './parties.ts'

/**
 * What every store has to do, in memory or behind a network: one suite, so that a difference between
 * the practice server and a real one is a failing test.
 */
export function objectStoreConformance(name: string, start: () => Promise<Parties>, lacks: Lacks = {}): void {
  describe(`object store contract: ${name}`, () => {
    let parties: Parties | undefined
    const stage = (): Parties => parties!
    beforeAll(async () => {
      parties = await start()
    })
    afterAll(async () => {
      await parties?.close()
    })
    describe('buckets', () => {
      bucketStories(stage, lacks)
    })
    describe('objects', () => {
      objectStories(stage, lacks)
    })
    describe('listing', () => {
      listingStories(stage)
    })
    describe('multipart uploads', () => {
      multipartStories(stage, lacks)
    })
    describe.skipIf(lacks.copies !== undefined)(`copies and versions ${lacks.copies ?? ''}`.trim(), () => {
      copyStories(stage, lacks)
    })
    describe.skipIf(lacks.grants !== undefined)(`access ${lacks.grants ?? ''}`.trim(), () => {
      accessStories(stage)
    })
  })
}
