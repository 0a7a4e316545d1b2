import { setTimeout as sleep } from 'node:timers/promises'

import type { CliRun } from '../support/cli.ts'
import type { Scene } from './scene.ts'

/** Milliseconds a command may take. */
const PATIENCE = 120_000

/** When a command is killed. */
export interface KillMoment {
  /** Requests that came in since it was started. */
  after: number
  /** Milliseconds after the last of them. */
  delay: number
}

/**
 * Runs a command of the scene's person and kills it (SIGKILL) at a moment, if it is still there then.
 *
 * @param moment - undefined to let it end
 */
export async function runAndKill(
  scene: Pick<Scene, 'person' | 'proxy' | 'temporary'>,
  words: readonly string[],
  moment: KillMoment | undefined,
): Promise<CliRun> {
  const running = scene.person.start(words, { env: { TMPDIR: scene.temporary } })
  const patience = new AbortController()
  const late = sleep(PATIENCE, undefined, { signal: patience.signal }).then(
    () => {
      running.kill('SIGABRT')
    },
    () => undefined,
  )
  if (moment !== undefined) {
    const { after, delay } = moment
    const arrived = after === 0 ? Promise.resolve() : scene.proxy.arrived(after)
    void arrived
      .then(() => sleep(delay))
      .then(() => {
        running.kill('SIGKILL')
      })
  }
  const ended = await running.ended
  patience.abort()
  await late
  return ended
}
