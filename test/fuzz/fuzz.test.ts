/** A short run of the fuzzer; `npm run fuzz` is the long one. */
import { describe, expect, it } from 'vitest'
import { runInput } from './campaign.ts'
import { loadCorpus } from './corpus.ts'
import { TARGETS } from './targets.ts'

const SEED = 4
const INPUTS = 7000

describe('whatever comes, a parser reads it or says why not', () => {
  it(`${INPUTS} damaged headers, files, edit lists and keys`, async () => {
    const corpus = await loadCorpus()
    const read = new Map<string, number>()
    const refused = new Map<string, number>()
    for (let input = 0; input < INPUTS; input += 1) {
      const outcome = await runInput(corpus, SEED, input)
      expect(outcome.finding).toBeUndefined()
      const counts = outcome.refused ? refused : read
      counts.set(outcome.target, (counts.get(outcome.target) ?? 0) + 1)
    }
    // Inputs that are all refused, or all read, would be no test of a parser.
    for (const target of Object.keys(TARGETS).filter((name) => name !== 'junk')) {
      expect([target, (read.get(target) ?? 0) > 20, (refused.get(target) ?? 0) > 20]).toEqual([
        target,
        true,
        true,
      ])
    }
  })

  it('a seed and a number make the same input every time', async () => {
    const corpus = await loadCorpus()
    const once = await Promise.all([1, 2, 3].map((input) => runInput(corpus, SEED, input)))
    expect(await Promise.all([1, 2, 3].map((input) => runInput(corpus, SEED, input)))).toEqual(once)
  })
})
