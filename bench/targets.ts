import { median } from './measure.ts'
import type { Measurement } from './measure.ts'
import { REKEY_TITLE } from './rekey.ts'
import type { Result, Scenario } from './scenario.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

/** A bound that the project set itself, and the figure of a run to hold against it. */
interface Target {
  what: string
  /** At most this. */
  bound: number
  unit: string
  /** Undefined when it was not measured. */
  figure: (results: readonly Result[]) => number | undefined
}

const TARGETS: readonly Target[] = [
  ...(['upload to', 'download from'] as const).flatMap((direction) => {
    const large = (scenario: Scenario): boolean =>
      scenario.title === `${direction} Ceph RGW` && scenario.files === undefined
    return [
      against(`${direction} Ceph RGW, beside aws s3 cp`, 1.15, large, /^aws/),
      against(`${direction} Ceph RGW, beside rclone`, 0.67, large, /^rclone copy/),
      against(`${direction} Ceph RGW, beside crypt4gh in a pipe`, 0.33, large, /\|/),
      against(
        `${direction} Ceph RGW, files of 4 KiB, beside s5cmd`,
        2,
        (scenario) => scenario.title === `${direction} Ceph RGW` && isTiny(scenario),
        /^s5cmd/,
      ),
    ]
  }),
  against(
    'upload to a sandbox that discards, beside s5cmd',
    1 / 0.7,
    (scenario) => isDiscarding(scenario) && scenario.files === undefined,
    /^s5cmd/,
  ),
  against(
    'upload to a sandbox that discards, files of 4 KiB, beside s5cmd',
    2,
    (scenario) => isDiscarding(scenario) && isTiny(scenario),
    /^s5cmd/,
  ),
  {
    what: 'CPU for each GiB uploaded',
    bound: 2,
    unit: 's',
    figure: (results) =>
      ownFigure(
        results,
        ({ title, files }) => title === 'upload to Ceph RGW' && files === undefined,
        ({ cpu }, { size }) => cpu / (size / GIB),
      ),
  },
  {
    what: 'peak RSS, files that grow and the parts of 1 TiB',
    bound: 256,
    unit: 'MiB',
    figure: (results) =>
      ownFigure(
        results,
        ({ title }) => /grow|1 TiB/.test(title),
        ({ peakRss }) => peakRss / MIB,
      ),
  },
  {
    what: 'traffic for other readers of an object on Ceph RGW',
    bound: 12,
    unit: 'MiB',
    figure: (results) =>
      ownFigure(results, isRekeyOnRgw, ({ traffic }) => (traffic ?? Number.POSITIVE_INFINITY) / MIB),
  },
  against(
    "other readers for an object on Ceph RGW, beside the server's own copying",
    1.3,
    isRekeyOnRgw,
    /UploadPartCopy/,
  ),
  {
    what: 'other readers for objects of 1 MiB, time for each',
    bound: 20,
    unit: 'ms',
    figure: (results) =>
      ownFigure(
        results,
        ({ title, files }) => title.startsWith(REKEY_TITLE) && files !== undefined,
        ({ wall }, { files = 1 }) => (wall / files) * 1000,
      ),
  },
]

/** What was to be reached, what was, and whether that is enough. */
export function targetsTable(results: readonly Result[]): string[] {
  const rows = TARGETS.flatMap(({ what, bound, unit, figure }) => {
    const found = figure(results)
    if (found === undefined) return []
    const cells = [what, `≤ ${bound.toFixed(2)} ${unit}`, `${found.toFixed(2)} ${unit}`]
    return [`| ${cells.join(' | ')} | ${found <= bound ? 'yes' : 'no'} |`]
  })
  if (rows.length === 0) return []
  return ['## What was to be reached', '', '| | at most | measured | |', '|---|--:|--:|---|', ...rows, '']
}

/** Wall time of sealift in units of a peer's. */
function against(what: string, bound: number, which: (scenario: Scenario) => boolean, peer: RegExp): Target {
  return {
    what,
    bound,
    unit: '×',
    figure(results) {
      const found = results.find(({ scenario }) => which(scenario))
      const [own] = found?.measurements.values() ?? []
      const [, theirs] = [...(found?.measurements ?? [])].find(([{ name }]) => peer.test(name)) ?? []
      return own === undefined || theirs === undefined ? undefined : wallOf(own) / wallOf(theirs)
    },
  }
}

/** The largest figure of sealift itself in the scenarios, each the median of its runs. */
function ownFigure(
  results: readonly Result[],
  which: (scenario: Scenario) => boolean,
  of: (measurement: Measurement, scenario: Scenario) => number,
): number | undefined {
  const figures = results
    .filter(({ scenario }) => which(scenario))
    .map(({ scenario, measurements }) => {
      const [own = []] = measurements.values()
      return median(own.map((measurement) => of(measurement, scenario)))
    })
  return figures.length === 0 ? undefined : Math.max(...figures)
}

function wallOf(runs: readonly Measurement[]): number {
  return median(runs.map(({ wall }) => wall))
}

function isTiny({ files, size }: Scenario): boolean {
  return files !== undefined && size / files < MIB
}

function isRekeyOnRgw({ title, files }: Scenario): boolean {
  return title === `${REKEY_TITLE} on Ceph RGW` && files === undefined
}

function isDiscarding({ title }: Scenario): boolean {
  return title === 'upload to a sandbox that discards'
}
