import { parseArgs } from 'node:util'
import { type BackendPlan, backends } from './backends.ts'

/** What a campaign of random runs is told on the command line. */
export interface CampaignArguments {
  seed: number
  /** Runs there shall be. */
  runs: number
  /** The kind of runs, of a campaign that has several; the first kind when undefined. */
  kind: string | undefined
  /** The one run to do again, alone. */
  only: number | undefined
  server: BackendPlan
}

/**
 * Reads --runs, --seed, --only and --server; ends the process with code 2 when one of them is wrong.
 *
 * @param kinds - kinds of runs that `--only KIND` and `--only KIND:RUN` may name
 */
export function campaignArguments(kinds: readonly string[] = []): CampaignArguments {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '200' },
      seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
      only: { type: 'string' },
      server: { type: 'string', default: 'sandbox' },
    },
  })
  const server = backends().find(({ name, skipped }) => name === values.server && skipped === undefined)
  if (server === undefined) refuse(`there is no server ${values.server} here`)
  const [kind, only] = chosen(values.only, kinds)
  return {
    seed: wholeNumber('seed', values.seed),
    runs: wholeNumber('runs', values.runs),
    kind,
    only: only === undefined ? undefined : wholeNumber('only', only),
    server,
  }
}

function chosen(
  text: string | undefined,
  kinds: readonly string[],
): [kind?: string | undefined, only?: string | undefined] {
  const [first = '', second] = text?.split(':') ?? []
  if (kinds.includes(first)) return [first, second]
  return text === undefined ? [] : [undefined, text]
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  refuse(`--${name} takes a number, not ${text}`)
}

function refuse(sentence: string): never {
  console.error(`error: ${sentence}`)
  process.exit(2)
}
