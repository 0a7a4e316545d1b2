/** A handful of kills; `npm run crash` is the long campaign. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { backends } from '../support/backends.ts'
import { crashRun, MODES } from './campaign.ts'
import { openScene, type Scene } from './scene.ts'

const SEED = 4
/** MiB. */
const SOURCE_SIZE = 61
const KILLED_RUNS = 2

describe('a transfer killed at a random moment', () => {
  let scene: Scene

  beforeAll(async () => {
    const [sandbox] = backends()
    scene = await openScene(sandbox!, [SOURCE_SIZE])
  })
  afterAll(async () => {
    await scene.leave()
  })

  it.each(MODES.map((mode, first) => ({ mode, first })))(
    '$mode: goes on when it is run again, and leaves nothing to read in between',
    async ({ first }) => {
      // The first of each kind is not killed.
      for (let index = 0; index <= KILLED_RUNS; index += 1) {
        const { findings } = await crashRun(scene, SEED, first + index * MODES.length)
        expect(findings).toEqual([])
      }
    },
    240_000,
  )
})
