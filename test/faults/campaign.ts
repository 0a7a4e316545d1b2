/**
 * Runs transfers through a proxy that does harm to requests. Number and seed of a run decide what is moved and what
 * happens to it. A run may fail, with a documented code; what it must not do is called a finding.
 */
import { EXIT_CODES } from '../../src/cli/exit-codes.ts'
import { createS3Store } from '../../src/storage/s3/s3-store.ts'
import type { RetryPolicy } from '../../src/storage/retrying.ts'
import type { Store } from '../../src/storage/store.ts'
import { withRetry } from '../../src/storage/with-retry.ts'
import { AppError } from '../../src/util/errors.ts'
import { Random } from '../fuzz/random.ts'
import { FAULT_KINDS, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultKind, StruckFault } from '../support/fault-proxy.ts'
import type { Ground, Wrong } from './play.ts'
import { countThreadFetches } from './thread-fetches.ts'
import type { ThreadFetches } from './thread-fetches.ts'
import { LARGE_TRANSFERS, TRANSFERS } from './transfers.ts'
import type { Transfer } from './transfers.ts'

/** One run and what came of it. */
export interface FaultRun {
  run: number
  /** Whether only large files are moved, whatever the run's number. */
  allLarge: boolean
  transfer: string
  /** Of a fault, for each request. */
  probability: number
  /** How the attempts ended, in order: 0, or the exit code and the error code. */
  ends: string[]
  faults: StruckFault[]
  requests: number
  /** Ranges that threads were asked to fetch. */
  fetches: ThreadFetches
  /** What must not have happened; empty for a good run. */
  findings: string[]
}

/** The server behind the proxy, and who uses it. */
export interface Upstream {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
}

/** Seconds of silence after which a client gives a request up; and milliseconds that a stall lasts, more than that. */
const IDLE_TIMEOUT = 1.5
const STALL = 2500

/** Mostly what the project promises to live with, and some runs of what it only must not lie about. */
const PROBABILITIES = [0.05, 0.05, 0.05, 0.2, 0.5] as const

/** One run of so many moves a large file; all of them where that is asked for. */
const LARGE_EVERY = 20

export async function faultRun(
  upstream: Upstream,
  ground: Ground,
  seed: number,
  run: number,
  allLarge = false,
): Promise<FaultRun> {
  const random = new Random(seed, run)
  const [transfer, { play, kinds }] = transferOf(run, allLarge)
  const probability = random.pick(PROBABILITIES)
  const fetches = countThreadFetches()
  const proxy = await startFaultProxy({
    upstream: upstream.endpoint,
    seed: random.word(),
    probability: 0,
    kinds: kinds ?? FAULT_KINDS,
    stall: STALL,
  })
  const ends: string[] = []
  const findings: string[] = []
  const wrong: Wrong = (what) => {
    findings.push(what)
  }
  const store = storeAt({ ...upstream, endpoint: proxy.endpoint })
  try {
    await play({
      ground,
      random,
      name: `${seed}-${run}`,
      store,
      wrong,
      harm: (on) => {
        proxy.probability = on ? probability : 0
      },
      attempt: async (command) => {
        try {
          const result = await command()
          ends.push('0')
          return result
        } catch (error) {
          ends.push(endOf(error, wrong))
          return undefined
        }
      },
    })
  } catch (error) {
    wrong(`the run itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  } finally {
    fetches.end()
    store.close()
    await proxy.close()
  }
  const { faults, requests } = proxy
  return { run, allLarge, transfer, probability, ends, faults, requests, fetches: fetches.counts, findings }
}

function transferOf(run: number, allLarge: boolean): [string, Transfer] {
  const large = allLarge || run % LARGE_EVERY === LARGE_EVERY - 1
  const transfers = Object.entries(large ? LARGE_TRANSFERS : TRANSFERS)
  const turn = large && !allLarge ? Math.floor(run / LARGE_EVERY) : run
  return transfers[turn % transfers.length]!
}

/** A store as the commands have it, but impatient; with `idleTimeout` (seconds) less so. */
export function storeAt(
  { endpoint, accessKeyId, secretAccessKey }: Upstream,
  policy: Partial<RetryPolicy> = { attempts: 6, baseDelay: 0.02, maxDelay: 0.2 },
  idleTimeout = IDLE_TIMEOUT,
): Store {
  const credentials = { accessKeyId, secretAccessKey }
  return withRetry(createS3Store({ endpoint, credentials, idleTimeout }), { policy })
}

function endOf(error: unknown, wrong: Wrong): string {
  if (!(error instanceof AppError)) {
    wrong(`no expected failure: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    return 'bug'
  }
  return `${EXIT_CODES[error.code]} ${error.code}`
}

/** How often each kind struck. */
export function faultCounts(runs: readonly FaultRun[]): Map<FaultKind, number> {
  const counts = new Map<FaultKind, number>(FAULT_KINDS.map((kind) => [kind, 0]))
  for (const { faults } of runs) for (const { kind } of faults) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

/** A finding with all that happened before it. */
export function describeFinding(
  seed: number,
  { run, allLarge, transfer, probability, ends, faults, findings }: FaultRun,
): string {
  return [
    `${findings.length > 0 ? 'finding' : 'run'}: --seed ${seed} --only ${allLarge ? 'large:' : ''}${run} (${transfer}, faults in ${probability * 100} % of requests; ends: ${ends.join(', ')})`,
    ...findings,
    ...faults.map(({ kind, request, attempt }) => `  ${kind}: ${request}, attempt ${attempt}`),
  ].join('\n')
}
