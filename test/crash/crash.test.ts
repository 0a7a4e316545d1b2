/** A handful of kills; `npm run crash` is the long campaign. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { backends } from '../support/backends.ts'
import { crashRun, MODES } from './campaign.ts'
import { REKEY_MODES, rekeyCrashRun } from './rekey-campaign.ts'
import { openRekeyScene, type RekeyScene } from './rekey-scene.ts'
import { openScene, type Scene } from './scene.ts'

const SEED = 4
/** MiB. */
const SOURCE_SIZE = 61
const KILLED_RUNS = 2
/** Plaintext bytes: rewritten, rewritten with an edit list, copied in parts. */
const OBJECT_SIZES = [200_000, 3_000_000, 12 * 1024 ** 2]

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

describe('a change of readers killed at a random moment', () => {
  let scene: RekeyScene

  beforeAll(async () => {
    const [sandbox] = backends()
    scene = await openRekeyScene(sandbox!, OBJECT_SIZES)
  })
  afterAll(async () => {
    await scene.leave()
  })

  it.each(REKEY_MODES.map((mode, first) => ({ mode, first })))(
    '$mode: every object is whole at every moment, and the next run brings it to its end',
    async ({ first }) => {
      for (let index = 0; index <= KILLED_RUNS; index += 1) {
        const { findings } = await rekeyCrashRun(scene, SEED, first + index * REKEY_MODES.length)
        expect(findings).toEqual([])
      }
    },
    240_000,
  )
})
