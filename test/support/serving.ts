import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CliRun, Person } from './cli.ts'

/** A `sealift serve` under way. */
export interface Serving {
  /** As it stands in its file. */
  address: string
  end: (signal?: NodeJS.Signals) => Promise<CliRun>
}

/** Starts it and waits until it tells its address in the file `url` of the person's home. */
export async function startServing(
  person: Person,
  args: readonly string[],
  env?: Record<string, string>,
): Promise<Serving> {
  const file = join(person.home, 'url')
  await rm(file, { force: true })
  const run = person.start(['serve', ...args, '--url-file', 'url'], { env })
  let ended: CliRun | undefined
  void run.ended.then((cliRun) => {
    ended = cliRun
  })
  for (let waited = 0; waited < 60_000; waited += 20) {
    const address = await readFile(file, 'utf8').catch(() => undefined)
    if (address !== undefined) {
      return {
        address: address.trimEnd(),
        end: (signal = 'SIGINT') => {
          run.kill(signal)
          return run.ended
        },
      }
    }
    if (ended !== undefined) throw new Error(`sealift serve ended with ${ended.code}: ${ended.stderr}`)
    await sleep(20)
  }
  run.kill('SIGKILL')
  throw new Error('sealift serve told no address within a minute')
}
