import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'

import { findProgram } from '../test/support/requirements.ts'
import { median } from './measure.ts'
import type { Measurement } from './measure.ts'
import type { Result, Scenario } from './scenario.ts'
import { targetsTable } from './targets.ts'
import { PEERS } from './workplace.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

/** The whole of bench/results.md. `remarks` are lines about what was left out or is special in this run. */
export function resultsDocument(results: readonly Result[], remarks: readonly string[]): string {
  return [
    '# Benchmark results',
    '',
    'Written by `npm run bench`; [docs/benchmarks.md](../docs/benchmarks.md) says what is measured and how.',
    '',
    ...[...machine(), ...versions(), ...remarks].map((line) => `- ${line}`),
    '',
    ...targetsTable(results),
    ...results.flatMap((result) => [...resultTable(result), '']),
  ].join('\n')
}

/** Median of the runs, the range of the wall times, and how long sealift, the first row, takes against each. */
function resultTable({ scenario, measurements }: Result): string[] {
  const { size, files } = scenario
  const rows = [...measurements].map(([subject, runs]) => ({ name: subject.name, runs, wall: wallOf(runs) }))
  const own = rows[0]?.wall ?? Number.NaN
  const rate = files === undefined ? 'MiB/s' : 'files/s'
  const isCounted = rows.some(({ runs }) => runs.some(({ traffic }) => traffic !== undefined))
  return [
    `## ${scenario.title}, ${formatJob(scenario)}`,
    '',
    `| | wall s | range s | ${rate} | CPU s | CPU s/GiB | peak RSS MiB |${isCounted ? ' traffic MiB |' : ''} sealift takes |`,
    `|---|--:|--:|--:|--:|--:|--:|--:|${isCounted ? '--:|' : ''}`,
    ...rows.map(({ name, runs, wall }) => {
      const walls = runs.map((run) => run.wall)
      const cpu = median(runs.map((run) => run.cpu))
      const cells = [
        name.replaceAll('|', String.raw`\|`),
        wall.toFixed(2),
        `${Math.min(...walls).toFixed(2)}–${Math.max(...walls).toFixed(2)}`,
        ((files ?? size / MIB) / wall).toFixed(0),
        cpu.toFixed(2),
        (cpu / (size / GIB)).toFixed(2),
        (median(runs.map((run) => run.peakRss)) / MIB).toFixed(0),
        ...(isCounted ? [formatTraffic(runs)] : []),
        `${(own / wall).toFixed(2)} ×`,
      ]
      return `| ${cells.join(' | ')} |`
    }),
  ]
}

/** The most of any run: a bound that is kept sometimes is not kept. */
function formatTraffic(runs: readonly Measurement[]): string {
  const counted = runs.flatMap(({ traffic }) => (traffic === undefined ? [] : [traffic]))
  return counted.length === 0 ? 'not counted' : (Math.max(...counted) / MIB).toFixed(2)
}

function wallOf(runs: readonly Measurement[]): number {
  return median(runs.map((run) => run.wall))
}

function machine(): string[] {
  const [first] = cpus()
  const memory = (totalmem() / 1024 ** 3).toFixed(0)
  return [
    `${new Date().toISOString().slice(0, 10)}, ${String(cpus().length)} cores of ${first?.model.trim() ?? 'an unknown CPU'}, ${memory} GiB of memory`,
    `${operatingSystem()}, Linux ${release()}, Node.js ${process.version}`,
    `load average at the end: ${loadavg()
      .map((load) => load.toFixed(2))
      .join(' ')}`,
  ]
}

function operatingSystem(): string {
  const release = readFileSync('/etc/os-release', 'utf8')
  return /^PRETTY_NAME="(.*)"$/m.exec(release)?.[1] ?? 'Linux'
}

function versions(): string[] {
  const peers = PEERS.map((peer) => {
    const program = findProgram(peer)
    if (program === undefined) return `${peer} is not installed`
    const output = execFileSync(program, [peer === 's5cmd' ? 'version' : '--version'], { encoding: 'utf8' })
    const version = /\d+\.\d+[\d.]*/.exec(output)?.[0] ?? 'of unknown version'
    return `${peer} ${version}`
  })
  return [`peers: ${peers.join(', ')}`]
}

function formatJob({ size, files }: Scenario): string {
  return files === undefined ? formatSize(size) : `${String(files)} files of ${formatSize(size / files)}`
}

function formatSize(bytes: number): string {
  if (bytes >= GIB) return `${String(bytes / GIB)} GiB`
  return bytes >= MIB ? `${String(bytes / MIB)} MiB` : `${String(bytes / 1024)} KiB`
}
