/** The transfers of the fault campaign: what is done, and what must be true afterwards. */
import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { DownloadRequest } from '../../src/workflows/download.ts'
import type { Random } from '../fuzz/random.ts'
import { FAULT_KINDS } from '../support/fault-proxy.ts'
import type { FaultKind } from '../support/fault-proxy.ts'
import { writeTree } from '../support/files.ts'
import {
  expectDelivery,
  expectFile,
  expectNothingLeft,
  expectObject,
  expectReceived,
} from './expectations.ts'
import { clear, objectBytes, PART_SIZE, put, receive, send, sourceFile, stopAndGoOn } from './play.ts'
import type { Play } from './play.ts'

export interface Transfer {
  play: (play: Play) => Promise<void>
  /** All when absent. */
  kinds?: readonly FaultKind[]
}

export const TRANSFERS: Readonly<Record<string, Transfer>> = {
  'upload of one file': { play: uploadOne },
  'download of one file': { play: (play) => downloadOne(play) },
  'upload of a folder': { play: uploadFolder },
  'download of a folder': { play: downloadFolder },
  'overwriting upload': { play: overwriteObject },
  'upload to a taken key': { play: uploadToTaken },
  'overwriting download': { play: (play) => overwriteFile(play) },
  // A flipped bit of what nobody opens shows only when somebody does.
  'stopped upload, gone on with': { play: goOnUploading },
  'stopped download, gone on with': { play: (play) => goOnDownloading(play) },
  'download as it is': { play: downloadAsIs, kinds: FAULT_KINDS.filter((kind) => kind !== 'flip') },
}

/** Threads fetch objects of that size themselves (src/transfer/fetch-elsewhere.ts): many short ranges, so that they meet harm. */
const LARGE = 64 * 1024 ** 2
const SHORT_RANGES = { rangeSize: 2 * 1024 ** 2 }

const ofLarge =
  (play: typeof downloadOne): Transfer['play'] =>
  (run) =>
    play(run, randomBytes(LARGE + run.random.below(LARGE / 4)), SHORT_RANGES)

export const LARGE_TRANSFERS: Readonly<Record<string, Transfer>> = {
  'download of a large file': { play: ofLarge(downloadOne) },
  'overwriting download of a large file': { play: ofLarge(overwriteFile) },
  'stopped download of a large file, gone on with': { play: ofLarge(goOnDownloading) },
}

async function uploadOne(play: Play): Promise<void> {
  const content = largeContent(play.random)
  const { folder, objectKey, source } = await sourceFile(play, content)
  play.harm(true)
  const first = await play.attempt(() => send(play, [source], objectKey))
  await expectObject(play, objectKey, [content], first !== undefined)
  if (first === undefined) {
    // Somebody tries again, still in bad weather, and then in good.
    const second = await play.attempt(() => send(play, [source], objectKey, true))
    await expectObject(play, objectKey, [content], second !== undefined)
    play.harm(false)
    const third = await play.attempt(() => send(play, [source], objectKey, true))
    if (third === undefined) play.wrong('a second run without faults failed')
    await expectObject(play, objectKey, [content], true)
  }
  await clear(play, folder)
}

async function downloadOne(
  play: Play,
  content = largeContent(play.random),
  more?: Partial<DownloadRequest>,
): Promise<void> {
  const { folder, objectKey, source } = await sourceFile(play, content)
  await put(play, [source], objectKey)
  const target = join(folder, 'received')
  play.harm(true)
  const first = await play.attempt(() => receive(play, objectKey, target, more))
  await expectFile(play, target, [content], first !== undefined)
  if (first === undefined) {
    play.harm(false)
    const second = await play.attempt(() => receive(play, objectKey, target, more))
    if (second === undefined) play.wrong('a second run without faults failed')
    await expectFile(play, target, [content], true)
  }
  await clear(play, folder)
}

async function uploadFolder(play: Play): Promise<void> {
  const files = folderContent(play.random)
  const folder = join(play.ground.folder, play.name)
  await writeTree(join(folder, 'run'), files)
  const prefix = `${play.name}/`
  play.harm(true)
  const result = await play.attempt(() => send(play, [join(folder, 'run')], prefix))
  await expectDelivery(play, prefix, files, result)
  if (result?.failed.length !== 0) {
    play.harm(false)
    const second = await play.attempt(() => send(play, [join(folder, 'run')], prefix, true))
    await expectDelivery(play, prefix, files, second)
    if (second?.failed.length !== 0) play.wrong('a second run without faults failed')
  }
  await clear(play, folder)
}

async function downloadFolder(play: Play): Promise<void> {
  const files = folderContent(play.random)
  const folder = join(play.ground.folder, play.name)
  await writeTree(join(folder, 'run'), files)
  const prefix = `${play.name}/`
  await put(play, [join(folder, 'run')], prefix)
  const target = join(folder, 'received')
  play.harm(true)
  const result = await play.attempt(() => receive(play, prefix, target))
  await expectReceived(play, prefix, target, files, result)
  if (result?.failed.length !== 0) {
    await rm(target, { recursive: true, force: true })
    play.harm(false)
    const second = await play.attempt(() => receive(play, prefix, target))
    await expectReceived(play, prefix, target, files, second)
    if (second?.failed.length !== 0) play.wrong('a second run without faults failed')
  }
  await clear(play, folder)
}

async function overwriteObject(play: Play): Promise<void> {
  const [before, after] = [largeContent(play.random), largeContent(play.random)]
  const { folder, objectKey, source } = await sourceFile(play, before)
  await put(play, [source], objectKey)
  await writeFile(source, after)
  play.harm(true)
  const result = await play.attempt(() => send(play, [source], objectKey, true))
  await expectObject(play, objectKey, result === undefined ? [before, after] : [after], true)
  await clear(play, folder)
}

async function uploadToTaken(play: Play): Promise<void> {
  const before = largeContent(play.random)
  const { folder, objectKey, source } = await sourceFile(play, before)
  await put(play, [source], objectKey)
  await writeFile(source, largeContent(play.random))
  play.harm(true)
  const result = await play.attempt(() => send(play, [source], objectKey))
  if (result !== undefined) play.wrong('an object was replaced that nobody permitted to replace')
  await expectObject(play, objectKey, [before], true)
  await clear(play, folder)
}

async function overwriteFile(
  play: Play,
  content = largeContent(play.random),
  more?: Partial<DownloadRequest>,
): Promise<void> {
  const before = randomBytes(10_000)
  const { folder, objectKey, source } = await sourceFile(play, content)
  await put(play, [source], objectKey)
  const target = join(folder, 'received')
  await writeFile(target, before)
  play.harm(true)
  const result = await play.attempt(() => receive(play, objectKey, target, { ...more, force: true }))
  await expectFile(play, target, result === undefined ? [before] : [content], true)
  await clear(play, folder)
}

async function downloadAsIs(play: Play): Promise<void> {
  const { folder, objectKey, source } = await sourceFile(play, largeContent(play.random))
  await put(play, [source], objectKey)
  const stored = await objectBytes(play, objectKey)
  const target = join(folder, 'received.c4gh')
  play.harm(true)
  const result = await play.attempt(() => receive(play, objectKey, target, { decrypt: false }))
  await expectFile(play, target, [stored], result !== undefined)
  await clear(play, folder)
}

/** Stopped again and again on a bad line; then gone on with in peace. */
async function goOnUploading(play: Play): Promise<void> {
  const content = randomBytes(3 * PART_SIZE + play.random.below(4 * PART_SIZE))
  const { folder, objectKey, source } = await sourceFile(play, content)
  play.harm(true)
  const ended = await stopAndGoOn(play, (signal, onProgress) =>
    send(play, [source], objectKey, false, { signal, onProgress, concurrency: 2 }),
  )
  await expectObject(play, objectKey, [content], ended)
  if (!ended) {
    play.harm(false)
    const last = await play.attempt(() => send(play, [source], objectKey))
    if (last === undefined) play.wrong('what was stopped could not be gone on with')
    await expectObject(play, objectKey, [content], true)
  }
  await expectNothingLeft(play, folder)
  await clear(play, folder)
}

async function goOnDownloading(
  play: Play,
  content: Buffer = randomBytes(3 * PART_SIZE + play.random.below(4 * PART_SIZE)),
  more?: Partial<DownloadRequest>,
): Promise<void> {
  const { folder, objectKey, source } = await sourceFile(play, content)
  await put(play, [source], objectKey)
  const target = join(folder, 'received')
  play.harm(true)
  const ended = await stopAndGoOn(play, (signal, onProgress) =>
    receive(play, objectKey, target, { ...more, signal, onProgress, concurrency: 2 }),
  )
  await expectFile(play, target, [content], ended)
  if (!ended) {
    play.harm(false)
    const last = await play.attempt(() => receive(play, objectKey, target, more))
    if (last === undefined) play.wrong('what was stopped could not be gone on with')
    await expectFile(play, target, [content], true)
  }
  await expectNothingLeft(play, folder)
  await clear(play, folder)
}

/** One part, some, and their edges. */
function largeContent(random: Random): Buffer {
  const size = random.pick([
    random.below(100_000),
    PART_SIZE - random.below(100_000),
    random.below(3 * PART_SIZE),
    2 * PART_SIZE + random.below(2 * PART_SIZE),
  ])
  return randomBytes(size)
}

function folderContent(random: Random): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = { 'empty.txt': new Uint8Array(0) }
  for (let index = 0; index < 8 + random.below(16); index += 1) {
    files[`${random.pick(['', 'a/', 'a/näyte 1+2/'])}file-${index}`] = randomBytes(random.size(200_000))
  }
  if (random.chance(3)) files['large.bin'] = randomBytes(PART_SIZE + random.below(PART_SIZE))
  return files
}
