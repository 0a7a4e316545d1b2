import * as Flags from '@oclif/core/flags'
import {
  formatRate,
  MIN_RATE,
  parseBandwidthTimetable,
  rateAt,
  type BandwidthTimetable,
} from '../util/bandwidth-timetable.ts'
import { parseDuration } from '../util/duration.ts'
import type { Pace } from '../util/pace.ts'
import { createTokenBucket } from '../util/token-bucket.ts'
import { openEventLog, type EventLog } from './event-log.ts'
import { sizeFlag } from './flags.ts'
import { lowerPriority } from './nice.ts'

const GROUP = 'TRANSFER'

const bwlimitFlag = Flags.custom<BandwidthTimetable>({
  helpValue: 'RATE|TIMETABLE',
  parse: async (input) => parseBandwidthTimetable(input),
})

const durationFlag = Flags.custom<number>({
  helpValue: 'TIME',
  parse: async (input) => parseDuration(input),
})

/** Flags of the commands that move much: what they may take of the machine, and how long they try. */
export const transferFlags = {
  bwlimit: bwlimitFlag({
    description: `bytes per second, all connections together, such as 200M; or by local time: "08:00,50M 18:00,off" (at least ${formatRate(MIN_RATE)})`,
    helpGroup: GROUP,
  }),
  nice: Flags.boolean({
    description: 'let other programs of this machine go first (priority 10)',
    helpGroup: GROUP,
  }),
  workers: Flags.integer({
    description:
      'threads that encrypt or decrypt; 0 does it on the main one (default: one a processor, at most 4)',
    min: 0,
    max: 64,
    helpGroup: GROUP,
  }),
  memory: sizeFlag({
    description: 'bytes the buffers may take together; fewer parts are on their way then',
    helpGroup: GROUP,
  }),
  'retry-for': durationFlag({
    description: 'how long a store that went away is waited for, such as 15m or 2h; 0: never try again',
    default: 900,
    defaultHelp: async () => '15m',
    helpGroup: GROUP,
  }),
  log: Flags.string({
    description: 'file to append a JSON line to for each part, retry, object and failure',
    helpValue: 'FILE',
    helpGroup: GROUP,
  }),
}

/** What the flags come to, for the connect workflow and the transfer. */
export interface TransferSettings {
  pace: Pace | undefined
  /** Seconds. */
  retryFor: number
  workers: number | undefined
  /** Bytes. */
  memory: number | undefined
  /** Takes what the log shall hold; undefined without a log. */
  onEvent: ((event: { readonly event: string }) => void) | undefined
  /** Ends the log, and says when it is incomplete. */
  close(): Promise<void>
}

/**
 * Lowers the priority and opens the log, before threads start and anything is sent.
 *
 * @param say - tells the person that the log is incomplete, at the end
 * @throws AppError USAGE when the log can't be opened
 */
export async function startTransfer(
  flags: {
    bwlimit?: BandwidthTimetable | undefined
    nice: boolean
    workers?: number | undefined
    memory?: number | undefined
    'retry-for': number
    log?: string | undefined
  },
  say: (message: string) => void,
): Promise<TransferSettings> {
  const log = flags.log === undefined ? undefined : await openEventLog(flags.log)
  if (flags.nice) lowerPriority()
  return {
    pace: paceOf(flags.bwlimit),
    retryFor: flags['retry-for'],
    workers: flags.workers,
    memory: flags.memory,
    onEvent: log && recorder(log),
    close: async () => {
      const missing = await log?.close()
      if (missing !== undefined) say(missing)
    },
  }
}

function recorder(log: EventLog): (event: { readonly event: string }) => void {
  return (event) => {
    log.record(event)
  }
}

function paceOf(timetable: BandwidthTimetable | undefined): Pace | undefined {
  if (timetable === undefined || timetable.every(({ rate }) => rate === undefined)) return undefined
  return createTokenBucket({ rate: () => rateAt(timetable, new Date()) })
}
