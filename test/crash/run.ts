/**
 * `npm run crash`: uploads and downloads, or changes of readers, that are killed (SIGKILL) at random moments and run again.
 *
 *   npm run crash -- --runs 200 --seed 1
 *   npm run crash -- --seed 1 --only 47           one run again, alone
 *   npm run crash -- --runs 20 --server rgw       on Ceph RGW instead of the sandbox
 *   npm run crash -- --only rekey --runs 100      `rekey s3://…`; one of them alone: --only rekey:47
 *
 * Exit code 1 when anything was found: another content, an object that is neither as it was nor as it shall be, plaintext
 * or a data key on the disk between two runs, what was written down as done moved again, or something left behind. Each
 * finding names the seed and the run.
 */
import { campaignArguments } from '../support/campaign-arguments.ts'
import { crashRun } from './campaign.ts'
import { rekeyCrashRun } from './rekey-campaign.ts'
import { openRekeyScene } from './rekey-scene.ts'
import { openScene } from './scene.ts'

const MIB = 1024 ** 2

/** MiB; a run takes a second or two. */
const SOURCE_SIZES = [61, 83, 117]

/** Bytes of the objects whose readers change: rewritten whole, copied in two to five parts, streamed. */
const OBJECT_SIZES = [200_000, 2_000_000, 11 * MIB, 24 * MIB + 4321, 8 * MIB]

const { seed, runs, kind, only, server } = campaignArguments(['rekey'])
console.log(`seed ${seed}, on ${server.name}`)
await (kind === 'rekey' ? rekeys() : transfers())

async function transfers(): Promise<void> {
  const scene = await openScene(server, SOURCE_SIZES)
  try {
    const done = await campaign((run) => crashRun(scene, seed, run))
    const sum = sumOf(done)
    console.log(
      `${killed(done)}, ` +
        `${sum(({ resumed }) => resumed)} times with something to go on with; ${sum(({ repeated }) => repeated)} pieces moved twice, ` +
        `${done.filter(({ dataKeys }) => dataKeys > 1).length} objects with more than one data key, ${sum(({ orphans }) => orphans)} uploads left that no journal knew of yet; ` +
        `${sum(({ findings }) => findings.length)} findings`,
    )
  } finally {
    await scene.leave()
  }
}

async function rekeys(): Promise<void> {
  const scene = await openRekeyScene(server, OBJECT_SIZES)
  try {
    const done = await campaign((run) => rekeyCrashRun(scene, seed, run))
    const sum = sumOf(done)
    const amid = done.filter(({ seenOld, seenNew }) => seenOld > 0 && seenNew > 0)
    console.log(
      `${killed(done)}, of ${scene.templates.length} objects each, in ${amid.length} runs with some done and some not; ` +
        `right after a kill ${sum(({ seenOld }) => seenOld)} objects were as before and ${sum(({ seenNew }) => seenNew)} had their new readers; ` +
        `${sum(({ doneTwice }) => doneTwice)} packets or versions there twice, ${sum(({ orphans }) => orphans)} uploads left that nothing was written down of; ` +
        `${sum(({ findings }) => findings.length)} findings`,
    )
  } finally {
    await scene.leave()
  }
}

interface Killed {
  run: number
  kills: number
  findings: string[]
}

async function campaign<Run extends Killed>(runOne: (run: number) => Promise<Run>): Promise<Run[]> {
  const done: Run[] = []
  const one = async (run: number): Promise<void> => {
    const outcome = await runOne(run)
    done.push(outcome)
    const { findings, ...figures } = outcome
    console.log(lineOf(figures))
    for (const finding of findings) {
      process.exitCode = 1
      console.error(
        `finding: --seed ${seed} --only ${kind === undefined ? '' : `${kind}:`}${run}: ${finding}`,
      )
    }
  }
  // The first run of its kind is not killed: it shows how many requests there are to be killed at.
  if (only !== undefined) for (let time = 0; time < 2; time += 1) await one(only)
  else for (let run = 0; done.filter(({ kills }) => kills > 0).length < runs; run += 1) await one(run)
  return done
}

function lineOf(figures: object): string {
  return Object.entries(figures)
    .map(([name, figure]) => `${name} ${String(figure)}`)
    .join(', ')
}

function killed(done: readonly Killed[]): string {
  const kills = done.reduce((total, run) => total + run.kills, 0)
  return `${done.filter((run) => run.kills > 0).length} runs were killed, ${kills} times in all`
}

function sumOf<Run>(done: readonly Run[]): (of: (run: Run) => number) => number {
  return (of) => done.reduce((total, run) => total + of(run), 0)
}
