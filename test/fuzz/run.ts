/**
 * `npm run fuzz`: a million damaged inputs for the parsers of src/crypto.
 *
 *   npm run fuzz -- --inputs 1000000 --seed 1 --jobs 2
 *   npm run fuzz -- --seed 1 --only 4711                    one input again, alone
 *
 * Exit code 1 when anything was found: an error that is no AppError, an input that takes too long, memory that
 * grows. Each finding names the seed and the number that make its input.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { runInput } from './campaign.ts'
import type { Finding } from './campaign.ts'
import { loadCorpus } from './corpus.ts'
import type { Assignment, Report } from './worker.ts'

/** A thread that reports nothing for so long hangs, seconds. */
const HANG = 60

/** More than this, held after as much was collected as could be, is growth: bytes. */
const GROWTH_LIMIT = 16 * 1_048_576

/** What a thread may hold, MiB: inputs are small, and so is what is made of them. */
const HEAP_LIMIT = 512

interface Tally {
  inputs: number
  refused: number
  findings: Finding[]
}

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    jobs: { type: 'string', default: `${availableParallelism()}` },
    only: { type: 'string' },
  },
})
const seed = count('seed', values.seed)

if (values.only === undefined) await campaign(count('inputs', values.inputs), count('jobs', values.jobs))
else await single(count('only', values.only))

async function single(input: number): Promise<void> {
  const { target, refused, finding } = await runInput(await loadCorpus(), seed, input)
  console.log(`input ${input} of seed ${seed} (${target}): ${refused ? 'refused' : 'read'}`)
  if (finding !== undefined) print(finding)
}

async function campaign(inputs: number, jobs: number): Promise<void> {
  console.log(`${inputs} inputs, seed ${seed}, ${jobs} threads`)
  const started = performance.now()
  const tally: Tally = { inputs: 0, refused: 0, findings: [] }
  const first = Array.from({ length: jobs }, (_, job) => job)
  await Promise.all(first.map((job) => share({ seed, first: job, step: jobs, end: inputs }, tally)))
  const seconds = (performance.now() - started) / 1000
  const rate = Math.round(tally.inputs / seconds)
  const peak = Math.round(process.resourceUsage().maxRSS / 1024)
  console.log(
    `${tally.inputs} inputs in ${Math.round(seconds)} s (${rate} a second), ${tally.refused} refused`,
  )
  console.log(`${tally.findings.length} findings, ${peak} MiB at most`)
}

/** One thread's share; a thread that had to be stopped is followed by another, behind the input that did it. */
async function share(assignment: Assignment, tally: Tally): Promise<void> {
  for (let next = assignment.first; next < assignment.end;) {
    next = await runWorker({ ...assignment, first: next }, tally)
  }
}

function runWorker(assignment: Assignment, tally: Tally): Promise<number> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: assignment,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_LIMIT },
  })
  return new Promise((resolve) => {
    let at = assignment.first
    let next: number | undefined
    const lost = (what: string): void => {
      note(tally, {
        input: at,
        target: 'unknown',
        what: `${what}, at this input or up to 200 of its thread's later`,
        bytes: '',
      })
      next = at + 200 * assignment.step
      void worker.terminate()
    }
    const timer = (): NodeJS.Timeout =>
      setTimeout(() => {
        lost(`nothing was heard for ${HANG} s`)
      }, HANG * 1000)
    let watch = timer()
    worker.on('message', (message: Report) => {
      clearTimeout(watch)
      watch = timer()
      if ('progress' in message) at = message.progress
      else if ('finding' in message) note(tally, message.finding)
      else {
        tally.inputs += message.inputs
        tally.refused += message.refused
        next = message.next
        const grown = `${Math.round(message.heapGrowth / 1_048_576)} MiB more are held at the end than after warming up`
        console.log(`a thread is done: ${grown}`)
        if (message.heapGrowth > GROWTH_LIMIT)
          note(tally, { input: at, target: 'all', what: grown, bytes: '' })
      }
    })
    worker.on('error', (error) => {
      lost(`the thread ended: ${error.message}`)
    })
    worker.on('exit', () => {
      clearTimeout(watch)
      resolve(next ?? assignment.end)
    })
  })
}

function note(tally: Tally, finding: Finding): void {
  tally.findings.push(finding)
  print(finding)
}

function print({ input, target, what, bytes }: Finding): void {
  process.exitCode = 1
  console.error(`\nfinding: --seed ${seed} --only ${input} (${target})\n${what}\n${bytes}`)
}

function count(name: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  console.error(`error: --${name} takes a number, not ${text}`)
  process.exit(2)
}
