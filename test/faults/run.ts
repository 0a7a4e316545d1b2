/**
 * `npm run faults`: transfers through a proxy that breaks, delays, cuts and falsifies some of the requests.
 *
 *   npm run faults -- --runs 500 --seed 1
 *   npm run faults -- --seed 1 --only 47                 one run again, alone, with all that happened to it
 *   npm run faults -- --server rgw                       on Ceph RGW instead of the sandbox
 *   npm run faults -- --only large                       downloads of 64 MiB and more, which threads fetch: else 1 run in 20
 *   npm run faults -- --seed 1 --only large:3
 *
 * Exit code 1 when anything was found: a transfer that ended well with wrong content, something wrong under a final
 * name, an error that is no expected one. Each finding names the seed and the run.
 */
import { campaignArguments } from '../support/campaign-arguments.ts'
import { describeFinding, faultCounts, faultRun } from './campaign.ts'
import type { FaultRun } from './campaign.ts'
import { openSite } from './ground.ts'

const { seed, runs: count, kind, only, server } = campaignArguments(['large'])
const large = kind === 'large'
const numbers = only === undefined ? Array.from({ length: count }, (_, run) => run) : [only]

const site = await openSite(server)
const runs: FaultRun[] = []
const started = performance.now()
try {
  for (const number of numbers) {
    const run = await faultRun(site.upstream, site.ground, seed, number, large)
    runs.push(run)
    if (run.findings.length > 0 || only !== undefined) console.error(`\n${describeFinding(seed, run)}`)
    if (runs.length % 20 === 0) console.error(`${runs.length} of ${numbers.length} runs`)
  }
} finally {
  await site.close()
}
report()

function report(): void {
  const sum = (of: (run: FaultRun) => number): number => runs.reduce((total, run) => total + of(run), 0)
  const seconds = Math.round((performance.now() - started) / 1000)
  const faults = sum((run) => run.faults.length)
  console.log(
    `${runs.length} runs on ${server.name}, seed ${seed}, ${seconds} s: ${sum((run) => run.requests)} requests, ${faults} faults`,
  )
  const ends = new Map<string, number>()
  for (const end of runs.flatMap((run) => run.ends)) ends.set(end, (ends.get(end) ?? 0) + 1)
  console.log(`ends: ${[...ends].map(([end, times]) => `${end} (${times})`).join(', ')}`)
  console.log(`faults: ${[...faultCounts(runs)].map(([kind, times]) => `${kind} (${times})`).join(', ')}`)
  const brought = sum((run) => run.fetches.brought)
  const left = sum((run) => run.fetches.left)
  console.log(`ranges of large files: ${brought} brought by threads, ${left} left to the ordinary way`)
  const bad = runs.filter((run) => run.findings.length > 0)
  console.log(
    `${bad.length} findings${bad.length > 0 ? `: runs ${bad.map(({ run }) => run).join(', ')}` : ''}`,
  )
  if (bad.length > 0) process.exitCode = 1
}
