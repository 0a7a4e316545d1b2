/**
 * Runs by number, as in campaign.ts, of `rekey s3://…`: killed (SIGKILL) at a random moment, perhaps more than once, and
 * run again until it ends. After every kill each object must be whole under its name, as it was or with its new readers.
 */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { CopyObjectCommand, PutObjectTaggingCommand } from '@aws-sdk/client-s3'

import { serializeCopySource } from '../../src/storage/s3/copies.ts'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { lockHolder } from '../../src/transfer/journal/journal-lock.ts'
import { Random } from '../fuzz/random.ts'
import { filesBelow } from '../support/files.ts'
import { runAndKill } from './killed-run.ts'
import { abortUploads } from './objects.ts'
import { TAGS, type RekeyScene, type Template } from './rekey-scene.ts'
import {
  removeBelow,
  stateOf,
  versionIds,
  wrongAttributes,
  type ObjectPlace,
  type Outcome,
  type StoredState,
} from './rekeyed-objects.ts'
import { secretsOnDisk } from './secrets-on-disk.ts'

/** Another reader instead of one, further readers, the same under other names, and a new data key. */
export const REKEY_MODES = ['instead', 'further', 'into', 'deep'] as const

type RekeyMode = (typeof REKEY_MODES)[number]

export interface RekeyCrashRun {
  run: number
  mode: RekeyMode
  versioned: boolean
  kills: number
  /** Objects that were seen right after a kill: as they were, and with their new readers. */
  seenOld: number
  seenNew: number
  /** Versions, or packets, that are there twice: what was done was not known to be done. */
  doneTwice: number
  /** Multipart uploads that are left: killed between the store's answer and the line on the disk. */
  orphans: number
  findings: string[]
}

/** Parts of the least size S3 takes: the most moments to be killed between two. */
const PART_SIZE = '5MiB'

interface Attempt {
  words: string[]
  mode: RekeyMode
  versioned: boolean
  /** Where the objects are that shall get their new readers, and where they come from. */
  objects: { template: Template; place: ObjectPlace; source: ObjectPlace }[]
  outcome: Outcome
  dataKeys: Map<string, Uint8Array>
  /** All that was on the disk after a kill. */
  notes: string[]
  seen: Record<StoredState['state'], number>
  /**
   * The run that was killed had done everything and removed its log. Given again, a run that writes elsewhere finds objects
   * that nothing tells from somebody else's, and refuses them.
   */
  isFinished: boolean
  findings: string[]
}

export async function rekeyCrashRun(scene: RekeyScene, seed: number, run: number): Promise<RekeyCrashRun> {
  const random = new Random(seed, run)
  const mode = REKEY_MODES[run % REKEY_MODES.length]!
  const attempt = await prepare(scene, mode, random.chance(2), run)
  const usual = `rekey ${mode}`
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
      await inspect(scene, attempt)
      continue
    }
    if (attempt.isFinished && ended.code === EXIT.conflict) break
    if (ended.code !== 0) attempt.findings.push(`ended with ${ended.code}: ${ended.stderr}`)
    if (requests === undefined) scene.usualRequests.set(usual, answered.length)
    break
  }
  const doneTwice = await checkOutcome(scene, attempt, kills)
  const orphans = await checkLeftovers(scene, attempt)
  for (const bucket of [scene.bucket, scene.versionedBucket]) await removeBelow(scene, bucket, `run-${run}/`)
  await rm(stateFolderOf(scene), { recursive: true, force: true })
  const { findings, seen, versioned } = attempt
  return { run, mode, versioned, kills, seenOld: seen.old, seenNew: seen.new, doneTwice, orphans, findings }
}

async function prepare(
  scene: RekeyScene,
  mode: RekeyMode,
  versioned: boolean,
  run: number,
): Promise<Attempt> {
  const { parties, versionedBucket } = scene
  const bucket = versioned ? versionedBucket : scene.bucket
  const [prefix, target] = [`run-${run}/reads/`, `run-${run}/shared/`]
  const objects: Attempt['objects'] = []
  for (const template of scene.templates) {
    const source = { bucket, objectKey: `${prefix}${template.name}` }
    await copyTemplate(scene, template, source)
    const place = mode === 'into' ? { bucket, objectKey: `${target}${template.name}` } : source
    objects.push({ template, place, source })
  }
  const add = ['--add', parties.carol.publicFile, '--add', parties.dan.publicFile]
  const remove = mode === 'further' ? [] : ['--remove', parties.former.publicFile]
  const more = { into: ['--into', `s3://${bucket}/${target}`], deep: ['--deep'], instead: [], further: [] }
  return {
    words: [
      'rekey',
      `s3://${bucket}/${prefix}`,
      ...['--identity', parties.owner.secretFile],
      ...add,
      ...remove,
      ...more[mode],
      ...['--part-size', PART_SIZE],
    ],
    mode,
    versioned,
    objects,
    outcome: {
      readers: ['owner', ...(mode === 'further' ? (['former'] as const) : []), 'carol', 'dan'],
      newDataKey: mode === 'deep',
    },
    dataKeys: new Map(scene.templates.flatMap(({ dataKeys }) => dataKeys.map((key) => [hexOf(key), key]))),
    notes: [],
    seen: { absent: 0, old: 0, new: 0, wrong: 0 },
    isFinished: false,
    findings: [],
  }
}

/** The headers come along with the copy. */
async function copyTemplate(
  { s3, bucket, hasTags }: RekeyScene,
  { source }: Template,
  place: ObjectPlace,
): Promise<void> {
  const target = { Bucket: place.bucket, Key: place.objectKey }
  const CopySource = serializeCopySource({ bucket, objectKey: source })
  await s3.send(new CopyObjectCommand({ ...target, CopySource }))
  if (hasTags) await s3.send(new PutObjectTaggingCommand({ ...target, Tagging: { TagSet: TAGS } }))
}

/** What is stored and what is on the disk between two runs. */
async function inspect(scene: RekeyScene, attempt: Attempt): Promise<void> {
  const { objects, mode, outcome, findings, seen } = attempt
  const before = seen.new
  for (const { template, place, source } of objects) {
    const found = await stateOf(scene, place, template, outcome)
    seen[found.state] += 1
    for (const key of found.dataKeys) attempt.dataKeys.set(hexOf(key), key)
    if (found.state === 'wrong') findings.push(`after a kill: ${place.objectKey}: ${found.failure}`)
    if (mode !== 'into' && found.state === 'absent') findings.push(`after a kill: no ${place.objectKey}`)
    if (mode === 'into' && found.state === 'old')
      findings.push(`after a kill: ${place.objectKey} is the source`)
    if (mode === 'into') await expectSource(scene, source, template, findings)
  }
  const logs = (await filesBelow(stateFolderOf(scene)).catch(() => [])).filter((name) =>
    name.endsWith('.jsonl'),
  )
  const hasLog = logs.some((name) => !KEPT.has(name))
  attempt.isFinished = mode === 'into' && !hasLog && seen.new - before === objects.length
  attempt.notes.push(await textBelow(stateFolderOf(scene)))
  findings.push(...(await secrets(scene, attempt)))
}

async function expectSource(
  scene: RekeyScene,
  source: ObjectPlace,
  template: Template,
  findings: string[],
): Promise<void> {
  const { state } = await stateOf(scene, source, template, { readers: [], newDataKey: false })
  if (state !== 'old') findings.push(`the source ${source.objectKey} is ${state}`)
}

function secrets({ person, temporary, marker }: RekeyScene, { dataKeys }: Attempt): Promise<string[]> {
  const keys = [...dataKeys.values()].map((bytes) => ({ name: 'a data key', bytes }))
  return secretsOnDisk([person.home, temporary], [...keys, { name: 'plaintext', bytes: marker }])
}

/**
 * What came out in the end.
 *
 * @returns how many versions and packets are there twice
 */
async function checkOutcome(scene: RekeyScene, attempt: Attempt, kills: number): Promise<number> {
  const { objects, outcome, findings, versioned, mode } = attempt
  let twice = 0
  for (const { template, place, source } of objects) {
    const found = await stateOf(scene, place, template, outcome)
    const { state, failure, headerLength, surplusPackets } = found
    for (const key of found.dataKeys) attempt.dataKeys.set(hexOf(key), key)
    if (state !== 'new') {
      findings.push(`in the end: ${place.objectKey} is ${state} ${failure ?? ''}`)
      continue
    }
    if (mode === 'into') await expectSource(scene, source, template, findings)
    // With an edit list, a new body is as long as what the list keeps.
    const size = outcome.newDataKey ? undefined : headerLength + template.size - template.headerLength
    findings.push(...(await wrongAttributes(scene, place, size)))
    twice += surplusPackets
    if (kills === 0 && surplusPackets !== 0)
      findings.push(`${place.objectKey} has ${surplusPackets} packets too many`)
    if (versioned) twice += await checkVersions(scene, attempt, { template, place })
  }
  return twice
}

/** Every version is whole, the newest is new, and where the object was replaced what was there is kept. */
async function checkVersions(
  scene: RekeyScene,
  { outcome, findings, mode }: Attempt,
  { template, place }: Pick<Attempt['objects'][number], 'template' | 'place'>,
): Promise<number> {
  const states: string[] = []
  for (const versionId of await versionIds(scene, place)) {
    const { state, failure } = await stateOf(scene, place, template, outcome, versionId)
    states.push(state)
    if (state === 'wrong') findings.push(`version ${versionId} of ${place.objectKey}: ${failure}`)
  }
  const old = states.filter((state) => state === 'old').length
  if (old !== (mode === 'into' ? 0 : 1)) findings.push(`${place.objectKey} has ${old} versions as it was`)
  return states.filter((state) => state === 'new').length - 1
}

/** What is left behind: uploads that were written down, records of what is done, temporary files, secrets. */
async function checkLeftovers(scene: RekeyScene, attempt: Attempt): Promise<number> {
  const { findings, notes } = attempt
  const left: string[] = []
  for (const bucket of [scene.bucket, scene.versionedBucket]) {
    left.push(...(await abortUploads({ s3: scene.s3, bucket })))
  }
  const known = left.filter((uploadId) => notes.some((note) => note.includes(uploadId)))
  if (known.length > 0) findings.push(`${known.length} uploads that were written down are left`)
  const folder = stateFolderOf(scene)
  const kept: string[] = []
  for (const name of await filesBelow(folder).catch(() => [])) {
    // A process that was killed after its last step leaves a lock, which nobody holds.
    const isFree = name.endsWith('.lock') && (await lockHolder(join(folder, name))) === undefined
    if (!isFree && !isCutOff(name) && !KEPT.has(name)) kept.push(name)
  }
  if (kept.length > 0) findings.push(`left in the state folder: ${kept.join(', ')}`)
  const temporary = await readdir(scene.temporary)
  if (temporary.length > 0) findings.push(`left in TMPDIR: ${temporary.join(', ')}`)
  findings.push(...(await secrets(scene, attempt)))
  return left.length
}

function stateFolderOf({ person }: RekeyScene): string {
  return join(person.home, '.local', 'state', 'sealift')
}

/** A file that never got its name, because the process was killed while it wrote it; nobody reads it. */
function isCutOff(name: string): boolean {
  return /\.tmp$|\.lock\.[0-9a-f]+\.new$/.test(name)
}

/** What outlives a run on purpose. */
const KEPT = new Set(['rates.json', 'access-history.jsonl'])

async function textBelow(folder: string): Promise<string> {
  const texts: string[] = []
  for (const name of await filesBelow(folder).catch(() => [])) {
    if (isCutOff(name)) continue
    texts.push(await readFile(join(folder, name), 'utf8'))
  }
  return texts.join('\n')
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
