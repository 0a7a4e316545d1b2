/**
 * `npm run bench`: sealift side by side with its peers, on this machine, in one run.
 *   --quick     small files, one run, nothing written: does the bench itself work?
 *   --runs N    runs of each, 3 by default; the table shows the median
 *   --only W    `local` or `store`
 * Writes bench/results.md. Peers come from `.ci/peers.sh bench`, the server from Debian's Ceph packages;
 * what is not there is left out and the table says so.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'

import { startCephRgw } from '../test/support/ceph-rgw.ts'
import { missing } from '../test/support/requirements.ts'
import { localScenarios } from './local-scenarios.ts'
import { resultsDocument } from './report.ts'
import { runScenario } from './scenario.ts'
import type { Result } from './scenario.ts'
import { storeScenarios } from './store-scenarios.ts'
import { createWorkplace } from './workplace.ts'

const GIB = 1024 ** 3
const MIB = 1024 ** 2

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    only: { type: 'string' },
  },
})
const { quick, only } = values
const runs = Number(values.runs ?? (quick ? 1 : 3))
if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs takes a whole number from 1')
if (only !== undefined && only !== 'local' && only !== 'store') throw new Error('--only takes local or store')

const results: Result[] = []
const remarks: string[] = [
  `median of ${String(runs)} ${runs === 1 ? 'run' : 'runs'}, the programs taking turns`,
]
if (only !== 'store') await benchLocal(quick ? 32 * MIB : GIB)
if (only !== 'local') await benchStore(quick ? 64 * MIB : 2 * GIB)

const document = resultsDocument(results, remarks)
console.log(document)
if (!quick) await writeFile(new URL('results.md', import.meta.url), document)

async function benchLocal(size: number): Promise<void> {
  const workplace = await createWorkplace(5 * size)
  try {
    remarks.push(`local files ${workplace.inMemory ? 'in memory (tmpfs)' : `on disk (${workplace.folder})`}`)
    for (const scenario of await localScenarios(workplace, size))
      results.push(await runScenario(scenario, runs))
  } finally {
    await workplace.remove()
  }
}

async function benchStore(size: number): Promise<void> {
  const reason = missing('rgw')
  if (reason !== undefined) {
    remarks.push(`no uploads and downloads: ${reason}`)
    return
  }
  const workplace = await createWorkplace(3 * size)
  const user = { accessKeyId: 'AKbench', secretAccessKey: 'SKbench' }
  // Every upload of every program stays until the end.
  const capacity = 4 * GIB + 5 * runs * size
  const cluster = await startCephRgw({ objectStore: 'bluestore', capacity })
  try {
    await cluster.createUser({ uid: 'bench', ...user })
    const files = workplace.inMemory ? 'in memory (tmpfs)' : 'on disk'
    remarks.push(`Ceph RGW on the same machine, bluestore in a file, plain http; files ${files}`)
    const access = { endpoint: cluster.endpoint, ...user }
    for (const scenario of await storeScenarios(workplace, access, size)) {
      results.push(await runScenario(scenario, runs))
    }
  } finally {
    await cluster.close()
    await workplace.remove()
  }
}
