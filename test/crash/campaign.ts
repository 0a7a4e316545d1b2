/**
 * Runs by number: a transfer that is killed (SIGKILL) at a random moment, perhaps more than once, and then run again
 * until it ends. Number and seed decide what is moved and after which request it is killed; the moment itself is the
 * machine's.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { lockHolder } from '../../src/transfer/journal/journal-lock.ts'
import { listJournals, type FoundJournal } from '../../src/transfer/journal/list-journals.ts'
import { Random } from '../fuzz/random.ts'
import { sha256 } from '../support/files.ts'
import { runAndKill } from './killed-run.ts'
import { abortUploads, checkObject, dataKeysOf, hasObject, putObject } from './objects.ts'
import type { AnsweredRequest } from './recording-proxy.ts'
import { repeatedParts, repeatedRanges } from './repeats.ts'
import type { Scene } from './scene.ts'
import { secretsOnDisk, type Secret } from './secrets-on-disk.ts'

/** Upload with an own key among the readers, upload for others alone, and download. */
export const MODES = ['upload, own key', 'upload, for others', 'download'] as const

type Mode = (typeof MODES)[number]

export interface CrashRun {
  run: number
  mode: Mode
  /** How often it was killed; 0 when it was done before. */
  kills: number
  /** Kills after which a journal was there to go on with. */
  resumed: number
  /** Parts or ranges that were sent or fetched again although the store had answered for them. */
  repeated: number
  /** Data keys of the object that came out. */
  dataKeys: number
  /** Multipart uploads without a part that are left: killed between the store's answer and the journal's first line. */
  orphans: number
  /** What was wrong. */
  findings: string[]
}

/** Parts of the least size S3 takes: the most moments to be killed between two. */
const PART_SIZE = '5MiB'
const CONCURRENCY = 4

interface Attempt {
  /** The run's command, the same every time. */
  words: string[]
  mode: Mode
  objectKey: string
  /** Of a download. */
  destination: string
  /** Of the object to download. */
  headerLength: number
  source: Scene['sources'][number]
  /** Known before the first run for a download, and from the journal for an upload. */
  dataKeys: Map<string, Uint8Array>
  findings: string[]
  history: { answered: AnsweredRequest[]; journal: FoundJournal | undefined }[]
}

export async function crashRun(scene: Scene, seed: number, run: number): Promise<CrashRun> {
  const random = new Random(seed, run)
  const mode = MODES[run % MODES.length]!
  const source = random.pick(scene.sources)
  const attempt = await prepare(scene, mode, run, source)
  const usual = `${mode} ${source.size}`
  // The first of its kind runs undisturbed and shows how many requests there are to be killed at.
  const requests = scene.usualRequests.get(usual)
  let killsLeft = requests === undefined ? 0 : 1 + (random.chance(3) ? 1 : 0)
  let kills = 0
  for (;;) {
    scene.proxy.take()
    const after = killsLeft > 0 ? random.below((requests ?? 0) + 2) : undefined
    const delay = random.below(120)
    const moment = after === undefined ? undefined : { after, delay }
    const ended = await runAndKill(scene, attempt.words, moment)
    await sleep(20)
    const answered = scene.proxy.take()
    if (ended.signal === 'SIGKILL') {
      kills += 1
      killsLeft -= 1
      const journal = await inspect(scene, attempt)
      attempt.history.push({ answered, journal })
      // All was done, and only the exit code was lost: once more it would refuse to replace what is there.
      if (journal === undefined && (await isThere(scene, attempt))) break
      continue
    }
    attempt.history.push({ answered, journal: undefined })
    if (ended.code !== 0) attempt.findings.push(`ended with ${ended.code}: ${ended.stderr}`)
    if (requests === undefined) scene.usualRequests.set(usual, answered.length)
    break
  }
  const { dataKeys, orphans } = await checkOutcome(scene, attempt)
  const repeated = checkRepeats(attempt)
  await clear(scene, attempt)
  const resumed = attempt.history.filter(({ journal }) => journal !== undefined).length
  return { run, mode, kills, resumed, repeated, dataKeys, orphans, findings: attempt.findings }
}

async function prepare(
  scene: Scene,
  mode: Mode,
  run: number,
  source: Scene['sources'][number],
): Promise<Attempt> {
  const objectKey = `run-${run}/reads.bam.c4gh`
  const address = `s3://${scene.bucket}/${objectKey}`
  const destination = join(scene.backstage, `destination-${run}`, 'reads.bam')
  const common = {
    mode,
    objectKey,
    destination,
    source,
    headerLength: 0,
    dataKeys: new Map(),
    findings: [],
    history: [],
  }
  if (mode === 'download') {
    await mkdir(dirname(destination))
    const attempt: Attempt = {
      ...common,
      words: ['download', address, destination, '--identity', scene.readerSecretFile],
    }
    const { dataKeys, headerLength } = await putObject(scene, source.path, objectKey)
    for (const key of dataKeys) remember(attempt, key)
    return { ...attempt, headerLength }
  }
  const own = mode === 'upload, own key' ? ['--identity', scene.readerSecretFile] : []
  const sizes = ['--part-size', PART_SIZE, '--concurrency', String(CONCURRENCY)]
  return {
    ...common,
    words: ['upload', source.path, address, '--to', scene.readerPublicFile, ...own, ...sizes],
  }
}

/** What is on disk between two runs. */
async function inspect(scene: Scene, attempt: Attempt): Promise<FoundJournal | undefined> {
  const { findings, destination, source } = attempt
  const journals = await listJournals(scene.stateFolder)
  for (const journal of journals) {
    if (journal.damage !== undefined) findings.push(`damaged: ${journal.damage.message}`)
    if (journal.holder !== undefined) findings.push('the journal is still held')
    await expectMode(journal.path, 0o600, findings)
    for (const { begun, header } of journal.state?.uploads.values() ?? []) {
      for (const text of [begun.header, header]) {
        for (const key of await dataKeysOf(scene, Buffer.from(text, 'base64'))) remember(attempt, key)
      }
    }
  }
  if (journals.length > 0) await expectMode(scene.stateFolder, 0o700, findings)
  if (journals.length > 1) findings.push(`${journals.length} journals of one transfer`)

  const keys: Secret[] = [...attempt.dataKeys.values()].map((bytes) => ({ name: 'the data key', bytes }))
  const plaintext = { name: 'plaintext', bytes: scene.marker }
  findings.push(...(await secretsOnDisk([scene.person.home, scene.temporary], [...keys, plaintext])))
  if (attempt.mode === 'download') {
    const folder = dirname(destination)
    for (const name of await readdir(folder)) {
      const path = join(folder, name)
      if (name === basename(destination)) {
        if ((await sha256(path)) !== source.sha256) findings.push('the final name has other content')
      } else if (name !== `.${basename(destination)}.partial`) findings.push(`unexpected file ${name}`)
      await expectMode(path, 0o600, findings)
    }
    findings.push(...(await secretsOnDisk([folder], keys)))
  }
  return journals[0]
}

async function isThere(scene: Scene, { mode, destination, objectKey }: Attempt): Promise<boolean> {
  if (mode !== 'download') return hasObject(scene, objectKey)
  return (await readdir(dirname(destination))).includes(basename(destination))
}

async function expectMode(path: string, mode: number, findings: string[]): Promise<void> {
  const found = (await stat(path)).mode & 0o777
  if (found !== mode) findings.push(`${path} has mode ${found.toString(8)}`)
}

function remember({ dataKeys }: Attempt, key: Uint8Array): void {
  dataKeys.set(Buffer.from(key).toString('hex'), Uint8Array.from(key))
}

/** What came out in the end, and what is left. */
async function checkOutcome(scene: Scene, attempt: Attempt): Promise<{ dataKeys: number; orphans: number }> {
  const { findings, destination, source, mode, objectKey } = attempt
  const object = await checkObject(scene, objectKey)
  if (object.sha256 !== source.sha256) findings.push(`the object has other content: ${object.failure ?? ''}`)
  const known = new Set(
    attempt.history.flatMap(({ journal }) =>
      [...(journal?.state?.uploads.values() ?? [])].map(({ begun }) => begun.uploadId),
    ),
  )
  const left = await abortUploads(scene)
  if (left.some((uploadId) => known.has(uploadId))) findings.push('an upload the journal knew of is left')
  if (mode === 'upload, own key' && object.dataKeys !== 1) findings.push(`${object.dataKeys} data keys`)
  if (mode === 'download') {
    const names = await readdir(dirname(destination))
    if (names.join() !== basename(destination)) findings.push(`the folder holds ${names.join(', ')}`)
    else if ((await sha256(destination)) !== source.sha256) findings.push('the file has other content')
  }
  const kept: string[] = []
  for (const name of await readdir(scene.stateFolder).catch(() => [])) {
    // A process that was killed after it had removed its journal leaves the lock; a later run removes it.
    const isFree = name.endsWith('.lock') && (await lockHolder(join(scene.stateFolder, name))) === undefined
    if (!isFree) kept.push(name)
  }
  if (kept.length > 0) findings.push(`left among the journals: ${kept.join(', ')}`)
  const temporary = await readdir(scene.temporary)
  if (temporary.length > 0) findings.push(`left in TMPDIR: ${temporary.join(', ')}`)
  return { dataKeys: object.dataKeys, orphans: left.length }
}

/** Ranges are written down behind the workers' backs: those on their way, and those waiting for the disk. */
const UNRECORDED = { upload: CONCURRENCY, download: 2 * CONCURRENCY } as const

/** What was written down is never moved again, and of what was not at most one part per worker. */
function checkRepeats({ mode, history, findings, headerLength }: Attempt): number {
  const { again, recorded } =
    mode === 'download'
      ? repeatedRanges(history, headerLength)
      : repeatedParts(history, mode === 'upload, for others')
  if (recorded.length > 0) findings.push(`moved again although written down: ${recorded.join(', ')}`)
  const kills = history.length - 1
  const most = UNRECORDED[mode === 'download' ? 'download' : 'upload']
  if (again > kills * most) findings.push(`${again} pieces were moved again after ${kills} kills`)
  return again
}

async function clear(scene: Scene, { destination, mode }: Attempt): Promise<void> {
  if (mode === 'download') await rm(dirname(destination), { recursive: true })
  await rm(scene.stateFolder, { recursive: true, force: true })
}
