/** Runs every n-th input on a thread of its own, so that a hang or an exhausted memory doesn't end the campaign. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'
import { runInput } from './campaign.ts'
import type { Finding } from './campaign.ts'
import { loadCorpus } from './corpus.ts'

export interface Assignment {
  seed: number
  first: number
  step: number
  end: number
}

export type Report =
  | { progress: number }
  | { finding: Finding }
  | { next: number; inputs: number; refused: number; heapGrowth: number }

/** Inputs after which caches, compiled code and buffers have their size. */
const WARM_UP = 5000
const PROGRESS_EVERY = 200

const { seed, first, step, end } = workerData as Assignment

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const corpus = await loadCorpus()
let refused = 0
let inputs = 0
let atFirst = 0
let input = first
for (; input < end; input += step) {
  if (inputs % PROGRESS_EVERY === 0) report({ progress: input })
  const outcome = await runInput(corpus, seed, input)
  inputs += 1
  if (outcome.refused) refused += 1
  if (outcome.finding !== undefined) report({ finding: outcome.finding })
  if (inputs === WARM_UP) atFirst = heldMemory()
}
const heapGrowth = atFirst === 0 ? 0 : heldMemory() - atFirst
report({ next: input, inputs, refused, heapGrowth })

/** Bytes that are still held when all that can be collected was. */
function heldMemory(): number {
  collectGarbage()
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function report(message: Report): void {
  parentPort?.postMessage(message)
}
