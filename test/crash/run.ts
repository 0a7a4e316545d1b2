/**
 * `npm run crash`: uploads and downloads that are killed (SIGKILL) at random moments and run again.
 *
 *   npm run crash -- --runs 200 --seed 1
 *   npm run crash -- --seed 1 --only 47           one run again, alone
 *   npm run crash -- --runs 20 --server rgw       on Ceph RGW instead of the sandbox
 *
 * Exit code 1 when anything was found: another content, plaintext or a data key on the disk between two runs, what was
 * written down as done moved again, or something left behind. Each finding names the seed and the run.
 */
import { campaignArguments } from '../support/campaign-arguments.ts'
import { crashRun, type CrashRun } from './campaign.ts'
import { openScene } from './scene.ts'

/** MiB; a run takes a second or two. */
const SOURCE_SIZES = [61, 83, 117]

const { seed, runs, only, server } = campaignArguments()

const scene = await openScene(server, SOURCE_SIZES)
const done: CrashRun[] = []
try {
  console.log(`seed ${seed}, on ${server.name}`)
  // The first run of its kind is not killed: it shows how many requests there are to be killed at.
  if (only !== undefined) for (let time = 0; time < 2; time += 1) await one(only)
  else for (let run = 0; done.filter(({ kills }) => kills > 0).length < runs; run += 1) await one(run)
} finally {
  await scene.leave()
}
const sum = (of: (run: CrashRun) => number): number => done.reduce((total, run) => total + of(run), 0)
console.log(
  `${done.filter(({ kills }) => kills > 0).length} runs were killed, ${sum(({ kills }) => kills)} times in all, ` +
    `${sum(({ resumed }) => resumed)} times with something to go on with; ${sum(({ repeated }) => repeated)} pieces moved twice, ` +
    `${done.filter(({ dataKeys }) => dataKeys > 1).length} objects with more than one data key, ${sum(({ orphans }) => orphans)} uploads left that no journal knew of yet; ` +
    `${sum(({ findings }) => findings.length)} findings`,
)

async function one(run: number): Promise<void> {
  const outcome = await crashRun(scene, seed, run)
  done.push(outcome)
  const { mode, kills, resumed, repeated, dataKeys, findings } = outcome
  console.log(`${run} ${mode}: killed ${kills}, gone on ${resumed}, twice ${repeated}, data keys ${dataKeys}`)
  for (const finding of findings) {
    process.exitCode = 1
    console.error(`finding: --seed ${seed} --only ${run} (${mode}): ${finding}`)
  }
}
