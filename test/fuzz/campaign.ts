/** Runs inputs by number. Number and seed decide the whole input, so that any one can be run again alone. */
import { AppError } from '../../src/util/errors.ts'
import type { Corpus } from './corpus.ts'
import { Random } from './random.ts'
import { TARGETS } from './targets.ts'

export interface Finding {
  input: number
  target: string
  what: string
  /** Base64; what to make a test of. */
  bytes: string
}

/** Seconds of processor time that an input may take; they are small, and most take less than a millisecond. */
const INPUT_TIME_LIMIT = 2

const NAMES = Object.keys(TARGETS)

/** Runs one input; gives what is wrong with how it was taken, and whether it was refused. */
export async function runInput(
  corpus: Corpus,
  seed: number,
  input: number,
): Promise<{ target: string; refused: boolean; finding: Finding | undefined }> {
  const random = new Random(seed, input)
  const target = NAMES[input % NAMES.length]!
  const { input: makeInput, run } = TARGETS[target]!
  const bytes = makeInput(corpus, random)
  const found = (what: string): Finding => ({
    input,
    target,
    what,
    bytes: Buffer.from(bytes).toString('base64'),
  })
  const before = process.cpuUsage()
  try {
    await run(bytes, corpus, random)
  } catch (error) {
    if (error instanceof AppError) return { target, refused: true, finding: slow(before, found) }
    return {
      target,
      refused: true,
      finding: found(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    }
  }
  return { target, refused: false, finding: slow(before, found) }
}

function slow(before: NodeJS.CpuUsage, found: (what: string) => Finding): Finding | undefined {
  const { user, system } = process.cpuUsage(before)
  const seconds = (user + system) / 1e6
  return seconds > INPUT_TIME_LIMIT ? found(`took ${seconds.toFixed(1)} s`) : undefined
}
