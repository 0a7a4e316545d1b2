import { formatByteSize } from '../util/byte-size.ts'
import { count, formatSeconds, formatTime, lines, table } from './report.ts'

/** What a plan tells; the workflow's own type has this shape. */
export interface PlanToPrint {
  direction: 'upload' | 'download'
  files: number
  plaintextBytes: number
  wireBytes: number
  parts: number
  largestPart: number
  memoryBytes: number
  rate:
    | { bytesPerSecond: number; from: 'earlier' | 'fetching' | 'sealing'; transfers?: number | undefined }
    | undefined
  seconds: number | undefined
  secondsAreAtLeast: boolean
  ends: Date | undefined
  credentialsExpire: Date | undefined
  credentialsLast: boolean | undefined
  pairs?: readonly { source: string; target: string; size: number }[] | undefined
}

/** A plan for people: the pairs where there are any, then a line for each thing that is known. */
export function planText(plan: PlanToPrint): string {
  const { direction, plaintextBytes, wireBytes } = plan
  const verb = direction === 'upload' ? 'to send' : 'to fetch'
  const pieces = direction === 'upload' ? count(plan.parts, 'part') : count(plan.parts, 'range')
  const facts: [string, string][] = [
    ['files', `${String(plan.files)}, ${formatByteSize(plaintextBytes)}`],
    [verb, `${formatByteSize(wireBytes)} in ${pieces} of at most ${formatByteSize(plan.largestPart)}`],
    ['memory', `about ${formatByteSize(plan.memoryBytes)}`],
    ['rate', rateText(plan)],
    ['time', timeText(plan)],
    ['credentials', credentialsText(plan)],
  ]
  return lines(
    plan.pairs === undefined
      ? undefined
      : table(plan.pairs.map(({ source, target, size }) => [source, target, formatByteSize(size)])),
    table(facts),
    `nothing was ${direction === 'upload' ? 'sent' : 'written'}`,
  )
}

function rateText({ rate }: PlanToPrint): string {
  if (rate === undefined) return 'unknown'
  const perSecond = `${formatByteSize(Math.round(rate.bytesPerSecond))}/s`
  switch (rate.from) {
    case 'earlier': {
      const transfers = rate.transfers ?? 1
      return `${perSecond} (${transfers === 1 ? 'the last transfer' : `the last ${String(transfers)} transfers`} with this endpoint)`
    }
    case 'fetching':
      return `${perSecond} (measured now: the start of the largest object)`
    case 'sealing':
      return `${perSecond} (measured now: sealing only, the network is not in it)`
  }
}

function timeText({ seconds, secondsAreAtLeast, ends }: PlanToPrint): string {
  if (seconds === undefined) return 'unknown'
  return `${secondsAreAtLeast ? 'at least' : 'about'} ${formatSeconds(seconds)}, until ${formatTime(ends)}`
}

function credentialsText({ credentialsExpire, credentialsLast }: PlanToPrint): string {
  if (credentialsExpire === undefined) return 'no end is known'
  const until = `they end at ${formatTime(credentialsExpire)}`
  if (credentialsLast === undefined) return until
  return credentialsLast ? `${until}, which is long enough` : `${until}, BEFORE the transfer does`
}
