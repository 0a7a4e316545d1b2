import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const script = (before: string): string => `
  import { readdirSync, readFileSync } from 'node:fs'
  import { setPriority } from 'node:os'
  import { once } from 'node:events'
  import { Worker } from 'node:worker_threads'
  import { lowerPriority } from '${new URL('../../src/cli/nice.ts', import.meta.url).href}'
  ${before}
  lowerPriority()
  const worker = new Worker('setInterval(() => undefined, 1000)', { eval: true })
  await once(worker, 'online')
  const nice = readdirSync('/proc/self/task').map((id) => {
    // proc(5): the fields after the name in brackets; nice is the 19th of all.
    const stat = readFileSync('/proc/self/task/' + id + '/stat', 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
  })
  process.stdout.write(JSON.stringify(nice))
  await worker.terminate()`

async function niceness(before = ''): Promise<number[]> {
  const args = ['--input-type=module', '--eval', script(before)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as number[]
}

it.runIf(process.platform === 'linux')(
  'every thread goes behind others, those that start later too',
  async () => {
    const threads = await niceness()
    expect(threads.length).toBeGreaterThan(3)
    expect(new Set(threads)).toEqual(new Set([10]))
  },
)

it.runIf(process.platform === 'linux')('who is nicer already stays so', async () => {
  expect(
    new Set(await niceness('for (const id of readdirSync("/proc/self/task")) setPriority(Number(id), 15)')),
  ) //
    .toEqual(new Set([15]))
})
