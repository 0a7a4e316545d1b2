import { afterAll, beforeAll, describe } from 'vitest'

import { backends } from './backends.ts'
import type { Backend } from './backends.ts'
import { createCast } from './cast.ts'
import type { Cast } from './cast.ts'

/** A server and the three people of the story at it. */
export interface Stage extends Cast {
  backend: Backend
}

/**
 * Tells a story once on every server this machine has; the reason stands in the title where it has not.
 * The stage is there from `beforeAll` on.
 */
export function onEveryBackend(title: string, story: (stage: () => Stage) => void): void {
  for (const { name, skipped, start } of backends()) {
    if (skipped !== undefined) {
      describe.skip(`${title} (${name}; ${skipped})`, () => {
        story(() => {
          throw new Error(skipped)
        })
      })
      continue
    }
    describe(`${title} (${name})`, () => {
      let stage: Stage | undefined
      beforeAll(async () => {
        const backend = await start()
        stage = { backend, ...(await createCast(backend)) }
      })
      afterAll(async () => {
        await stage?.leave()
        await stage?.backend.close()
      })
      story(() => stage!)
    })
  }
}
