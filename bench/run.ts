/**
 * `npm run bench`: sealift side by side with its peers, on this machine, in one run.
 *   --quick        small sizes, one run, nothing written: does the bench itself work?
 *   --runs N       runs of each, 3 by default; the table shows the median
 *   --only NAMES   some of the chapters, such as `large,small`; see CHAPTERS
 *   --size SIZE    of the large file, 4GiB by default, and of the stored object of `rekey`, 2GiB by default
 *   --output FILE  bench/results.md by default
 * Peers come from `.ci/peers.sh bench`, the server from Debian's Ceph packages; what is not there is left out and the
 * table says so.
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { parseByteSize } from '../src/util/byte-size.ts'
import { missing } from '../test/support/requirements.ts'
import { growthScenarios, tebibyteScenario } from './growth.ts'
import { downloadScenario, uploadScenario } from './large-file.ts'
import { localScenarios } from './local-scenarios.ts'
import { folderDownloadScenario, folderUploadScenario } from './many-files.ts'
import { rekeyFolderScenario, rekeyScenario } from './rekey.ts'
import { resultsDocument } from './report.ts'
import { runScenario } from './scenario.ts'
import type { Result, Scenario } from './scenario.ts'
import { openDiscardingSite, openRgwSite, openSandboxSite } from './site.ts'
import type { Site } from './site.ts'
import { createWorkplace } from './workplace.ts'

const GIB = 1024 ** 3
const MIB = 1024 ** 2

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    only: { type: 'string' },
    size: { type: 'string' },
    output: { type: 'string', default: fileURLToPath(new URL('results.md', import.meta.url)) },
  },
})
const { quick } = values
const runs = Number(values.runs ?? (quick ? 1 : 3))
if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs takes a whole number from 1')
const large = values.size === undefined ? (quick ? 64 * MIB : 4 * GIB) : parseByteSize(values.size)
const tiny = quick ? { files: 200, size: 4096 } : { files: 10_000, size: 4096 }
const medium = quick ? { files: 4, size: 20 * MIB } : { files: 200, size: 20 * MIB }
const stored = values.size === undefined && !quick ? 2 * GIB : large
const storedSmall = quick ? { files: 50, size: MIB } : { files: 1000, size: MIB }
const growing = quick ? [MIB, 16 * MIB, 64 * MIB] : [GIB, 4 * GIB, 16 * GIB]

/** What is measured, by the name `--only` takes. */
const CHAPTERS = {
  local: benchLocal,
  large: () =>
    onRgw(2 * large, 3 * large, [
      (site) => uploadScenario(site, large),
      (site) => downloadScenario(site, large),
    ]),
  small: () => benchFolder(tiny),
  medium: () => benchFolder(medium),
  growth: benchGrowth,
  discard: () => onDiscardingSandbox(large, [(site) => uploadScenario(site, large)]),
  'discard-small': () =>
    onDiscardingSandbox(tiny.files * tiny.size * 4, [(site) => folderUploadScenario(site, tiny)]),
  tebibyte: () => onDiscardingSandbox(MIB, [(site) => tebibyteScenario(site, Math.max(large, 512 * MIB))]),
  rekey: benchRekey,
} as const

const chosen = (values.only?.split(',') ?? Object.keys(CHAPTERS)).map((name) => {
  const chapter = Object.entries(CHAPTERS).find(([known]) => known === name)
  if (chapter === undefined) throw new Error(`--only takes ${Object.keys(CHAPTERS).join(', ')}`)
  return chapter[1]
})

const results: Result[] = []
const remarks = new Set([
  `median of ${String(runs)} ${runs === 1 ? 'run' : 'runs'}, the programs taking turns`,
])
for (const chapter of chosen) await chapter()

const document = resultsDocument(results, [...remarks])
console.log(document)
if (!quick) await writeFile(values.output, document)

type Preparation = (site: Site) => Scenario | Promise<Scenario>

async function benchLocal(): Promise<void> {
  const size = quick ? 32 * MIB : GIB
  const workplace = await createWorkplace(5 * size)
  try {
    remarks.add(`local files ${workplace.inMemory ? 'in memory (tmpfs)' : `on disk (${workplace.folder})`}`)
    for (const scenario of await localScenarios(workplace, size))
      results.push(await runScenario(scenario, runs))
  } finally {
    await workplace.remove()
  }
}

function benchFolder(job: { files: number; size: number }): Promise<void> {
  // A file system gives the smallest file a page of its own, and Ceph several.
  const room = job.files * Math.max(job.size, 16 * 1024)
  return onRgw(2 * room, 4 * room, [
    (site) => folderUploadScenario(site, job),
    (site) => folderDownloadScenario(site, job),
  ])
}

async function benchGrowth(): Promise<void> {
  remarks.add('growing files are sparse')
  for (const size of growing) {
    await onRgw(
      size,
      1.5 * size,
      [(site) => growthScenarios(site, size).upload, (site) => growthScenarios(site, size).download],
      true,
    )
  }
}

async function benchRekey(): Promise<void> {
  await onRgw(4 * stored, 5 * stored, [(site) => rekeyScenario(site, stored)])
  remarks.add('objects of "rekey on the sandbox" in a sandbox that keeps them, beside the files')
  const bytes = storedSmall.files * storedSmall.size
  await onSite(await openSandboxSite(5 * bytes), [(site) => rekeyFolderScenario(site, storedSmall)])
}

async function onRgw(
  room: number,
  capacity: number,
  preparations: readonly Preparation[],
  onDisk = false,
): Promise<void> {
  const reason = missing('rgw')
  if (reason !== undefined) {
    remarks.add(`nothing with Ceph RGW: ${reason}`)
    return
  }
  remarks.add('Ceph RGW on the same machine, bluestore in a file, plain http')
  await onSite(await openRgwSite(room, capacity, onDisk), preparations)
}

async function onDiscardingSandbox(room: number, preparations: readonly Preparation[]): Promise<void> {
  remarks.add(
    'the sandbox runs on the same machine in one thread: it checks SHA-256 and MD5 and keeps nothing',
  )
  await onSite(await openDiscardingSite(room), preparations)
}

async function onSite(site: Site, preparations: readonly Preparation[]): Promise<void> {
  try {
    for (const prepare of preparations) {
      const scenario = await prepare(site)
      const where = site.workplace.inMemory ? 'in memory (tmpfs)' : 'on disk'
      remarks.add(`files of "${scenario.title}" ${where}`)
      results.push(await runScenario(scenario, runs))
    }
    await site.refuseLeftovers()
  } finally {
    await site.close()
  }
}
