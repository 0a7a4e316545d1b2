import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, realpath, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../../util/errors.ts'
import { fileError } from '../../util/file-errors.ts'
import { practiceProjects, type PracticeRole } from '../practice-projects.ts'
import { startSandbox } from '../server.ts'
import { createPerson, type CastSettings, type Outcome, type Person } from './cast.ts'
import { writeFastq } from './fastq.ts'
import { UploadPause } from './pause.ts'
import { REFUSED, storySteps, type Scene } from './steps.ts'

const MIB = 1024 ** 2

export interface StorySettings {
  /** The entry file of sealift, which every step runs as its own process. */
  program: string
  environment: Readonly<Record<string, string | undefined>>
  /** Files to deliver instead of the generated run. */
  files: readonly string[]
  /** Told about each step as it ends. */
  onStep: (step: StepReport) => void
  /** Told what happens between the steps. */
  onScene: (text: string) => void
  signal?: AbortSignal | undefined
}

/** One command of the story and whether it ended as it must. */
export interface StepReport {
  who: PracticeRole
  command: string
  /** Exit code that this step must have: 0, or 11 for a refusal. */
  expected: number
  exitCode: number
  ok: boolean
  stdout: string
  stderr: string
}

export interface StoryReport {
  steps: Omit<StepReport, 'stdout' | 'stderr'>[]
  refusals: number
  files: { name: string; size: number; sha256: string; same: boolean }[]
  /** Bytes delivered. */
  bytes: number
  seconds: number
  ok: boolean
}

/**
 * Plays open → deliver → prove → close on a sandbox of its own, with a group, a producer and an outsider, each with own
 * credentials and each step a process of its own. Everything lies in a temporary folder that is removed at the end.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE for the given files
 */
export async function playStory(settings: StorySettings): Promise<StoryReport> {
  const started = performance.now()
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sealift-demo-')))
  const projects = practiceProjects()
  const producer = projects.find(({ displayName }) => displayName === 'producer')?.uid ?? ''
  const pause = new UploadPause(producer)
  try {
    const run = join(folder, 'producer', 'run_12')
    await mkdir(run, { recursive: true })
    await fillRun(run, settings)
    await writeFastq(join(folder, 'producer', 'run_13.fastq'), 16 * MIB, 1)
    const sandbox = await startSandbox({
      directory: join(folder, 'store'),
      projects,
      beforeRequest: pause.beforeRequest,
    })
    try {
      const cast = await createCast({
        ...settings,
        folder,
        endpoint: sandbox.endpoint,
        projects,
        // Long and random: the key lives no longer than the demo.
        passphrase: createHash('sha256')
          .update(projects[0]?.secretAccessKey ?? '')
          .digest('hex'),
      })
      const steps = await playSteps(cast, pause, settings)
      const files = await compare(run, join(folder, 'group', 'run_12'))
      return {
        steps: steps.map(({ who, command, expected, exitCode, ok }) => ({
          who,
          command,
          expected,
          exitCode,
          ok,
        })),
        refusals: steps.filter(({ ok, expected }) => ok && expected === REFUSED).length,
        files,
        bytes: files.reduce((sum, { size }) => sum + size, 0),
        seconds: (performance.now() - started) / 1000,
        ok: steps.every(({ ok }) => ok) && files.length > 0 && files.every(({ same }) => same),
      }
    } finally {
      pause.release()
      await sandbox.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The user's files, by links, or three files of reads with 64 MiB and more in all. */
async function fillRun(run: string, settings: StorySettings): Promise<void> {
  if (settings.files.length === 0) {
    settings.onScene('a sequencer writes a run: two FASTQ files and a gzipped one')
    await writeFastq(join(run, 'run_12_R1.fastq'), 30 * MIB, 1)
    await writeFastq(join(run, 'run_12_R2.fastq'), 30 * MIB, 2)
    await writeFastq(join(run, 'run_12_L002_R1.fastq.gz'), 16 * MIB, 1)
    return
  }
  for (const file of settings.files) {
    const stats = await stat(file).catch((error: unknown) => {
      throw fileError(error, 'read', file)
    })
    if (!stats.isFile()) throw new AppError('FILE_UNREADABLE', `cannot deliver ${file}: it is not a file`)
    await symlink(resolve(file), join(run, basename(file))).catch((error: unknown) => {
      throw fileError(error, 'deliver a second file called', basename(file))
    })
  }
}

/**
 * @throws AppError STORE_FAILURE naming each step and file that was not as it must be
 */
export function requireGoodEnd(report: StoryReport): void {
  if (report.ok) return
  const wrong = report.steps.filter(({ ok }) => !ok).map(({ who, command }) => `${who}: ${command}`)
  const lost = report.files
    .filter(({ same }) => !same)
    .map(({ name }) => `${name} did not come back the same`)
  throw new AppError('STORE_FAILURE', `the demo did not go as it must: ${[...wrong, ...lost].join('; ')}`)
}

type Cast = Record<PracticeRole, Person>

async function createCast(settings: CastSettings): Promise<Cast> {
  const [group, producer, outsider] = await Promise.all([
    createPerson('group', settings),
    createPerson('producer', settings),
    createPerson('outsider', settings),
  ])
  return { group, producer, outsider }
}

async function playSteps(cast: Cast, pause: UploadPause, settings: StorySettings): Promise<StepReport[]> {
  const reports: StepReport[] = []
  let inFlight: Promise<void> | undefined
  const play = async ({ who, args, expected }: Scene): Promise<void> => {
    const outcome = await cast[who].sealift(args)
    const report = reportOf(who, args, expected, outcome)
    reports.push(report)
    settings.onStep(report)
  }
  for (const scene of storySteps()) {
    settings.signal?.throwIfAborted()
    if (scene.scene !== undefined) settings.onScene(scene.scene)
    if (scene.inFlight === true) {
      const held = pause.arm()
      inFlight = play(scene)
      // Should it end before it is held, the story goes on and the step shows what happened.
      await Promise.race([held, inFlight])
    } else {
      await play(scene)
      if (scene.releases === true) {
        settings.onScene('the upload in flight goes on, into the closed door')
        pause.release()
        await inFlight
      }
    }
  }
  return reports
}

function reportOf(
  who: PracticeRole,
  args: readonly string[],
  expected: number,
  outcome: Outcome,
): StepReport {
  const command = ['sealift', ...args].join(' ')
  return { who, command, expected, ok: outcome.exitCode === expected, ...outcome }
}

async function compare(sent: string, received: string): Promise<StoryReport['files']> {
  const files: StoryReport['files'] = []
  for (const name of (await readdir(sent)).sort()) {
    const sha256 = await hashOf(join(sent, name))
    const back = await hashOf(join(received, name)).catch(() => undefined)
    files.push({ name, size: (await stat(join(sent, name))).size, sha256, same: back === sha256 })
  }
  return files
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
