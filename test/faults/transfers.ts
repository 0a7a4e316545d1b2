/** The transfers of the fault campaign: what is done, and what must be true afterwards. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import type { KeyPair } from '../../src/crypto/keys/key-pair.ts'
import type { Store } from '../../src/storage/store.ts'
import { AppError, hasCode } from '../../src/util/errors.ts'
import { download } from '../../src/workflows/download.ts'
import type { DownloadRequest, DownloadResult } from '../../src/workflows/download.ts'
import type { JournalSettings } from '../../src/workflows/transfer-job.ts'
import { upload } from '../../src/workflows/upload.ts'
import type { UploadRequest, UploadResult } from '../../src/workflows/upload.ts'
import type { Random } from '../fuzz/random.ts'
import { FAULT_KINDS } from '../support/fault-proxy.ts'
import type { FaultKind } from '../support/fault-proxy.ts'
import { filesBelow, writeTree } from '../support/files.ts'

/** Notes what must not have happened. */
export type Wrong = (what: string) => void

/** What all runs share. */
export interface Ground {
  bucket: string
  /** An empty folder, the runs' own. */
  folder: string
  reader: KeyPair
  /** The same server without harm, to see what is really there. */
  plainStore: Store
}

/** One run of a transfer. */
interface Play {
  ground: Ground
  random: Random
  /** Of this run alone. */
  name: string
  /** Through the proxy. */
  store: Store
  /** Harm is done to requests from now on, or no more. */
  harm: (on: boolean) => void
  /** Runs a command and notes how it ended; gives its result, or undefined when it failed as it may. */
  attempt: <T>(command: () => Promise<T>) => Promise<T | undefined>
  wrong: Wrong
}

export interface Transfer {
  play: (play: Play) => Promise<void>
  /** All when absent. */
  kinds?: readonly FaultKind[]
}

const MIB = 1024 ** 2
const PART_SIZE = 5 * MIB

export const TRANSFERS: Readonly<Record<string, Transfer>> = {
  'upload of one file': { play: uploadOne },
  'download of one file': { play: downloadOne },
  'upload of a folder': { play: uploadFolder },
  'download of a folder': { play: downloadFolder },
  'overwriting upload': { play: overwriteObject },
  'upload to a taken key': { play: uploadToTaken },
  'overwriting download': { play: overwriteFile },
  // A flipped bit of what nobody opens shows only when somebody does.
  'stopped upload, gone on with': { play: goOnUploading },
  'stopped download, gone on with': { play: goOnDownloading },
  'download as it is': { play: downloadAsIs, kinds: FAULT_KINDS.filter((kind) => kind !== 'flip') },
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

async function downloadOne(play: Play): Promise<void> {
  const content = largeContent(play.random)
  const { folder, objectKey, source } = await sourceFile(play, content)
  await put(play, [source], objectKey)
  const target = join(folder, 'received')
  play.harm(true)
  const first = await play.attempt(() => receive(play, objectKey, target))
  await expectFile(play, target, [content], first !== undefined)
  if (first === undefined) {
    play.harm(false)
    const second = await play.attempt(() => receive(play, objectKey, target))
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

async function overwriteFile(play: Play): Promise<void> {
  const [before, content] = [randomBytes(10_000), largeContent(play.random)]
  const { folder, objectKey, source } = await sourceFile(play, content)
  await put(play, [source], objectKey)
  const target = join(folder, 'received')
  await writeFile(target, before)
  play.harm(true)
  const result = await play.attempt(() => receive(play, objectKey, target, { force: true }))
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

async function goOnDownloading(play: Play): Promise<void> {
  const content = randomBytes(3 * PART_SIZE + play.random.below(4 * PART_SIZE))
  const { folder, objectKey, source } = await sourceFile(play, content)
  await put(play, [source], objectKey)
  const target = join(folder, 'received')
  play.harm(true)
  const ended = await stopAndGoOn(play, (signal, onProgress) =>
    receive(play, objectKey, target, { signal, onProgress, concurrency: 2 }),
  )
  await expectFile(play, target, [content], ended)
  if (!ended) {
    play.harm(false)
    const last = await play.attempt(() => receive(play, objectKey, target))
    if (last === undefined) play.wrong('what was stopped could not be gone on with')
    await expectFile(play, target, [content], true)
  }
  await expectNothingLeft(play, folder)
  await clear(play, folder)
}

type Stoppable = (
  signal: AbortSignal,
  onProgress: (progress: { doneBytes: number; totalBytes: number }) => void,
) => Promise<unknown>

/** Starts it up to three times, and stops each once so many bytes were moved; true when it came to its end. */
async function stopAndGoOn(play: Play, command: Stoppable): Promise<boolean> {
  for (let run = 0; run < 3; run += 1) {
    const stop = new AbortController()
    const share = play.random.below(100) / 100
    const done = await play.attempt(async () => {
      await command(stop.signal, ({ doneBytes, totalBytes }) => {
        if (doneBytes > share * totalBytes) stop.abort(new AppError('INTERRUPTED', 'interrupted'))
      })
      return true
    })
    if (done === true) return true
  }
  return false
}

/** A transfer that came to its end leaves no journal. */
async function expectNothingLeft({ wrong }: Play, folder: string): Promise<void> {
  const left = await readdir(join(folder, 'state')).catch(() => [])
  if (left.length > 0) wrong(`left behind: ${left.join(', ')}`)
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

async function sourceFile(
  { ground, name }: Play,
  content: Uint8Array,
): Promise<{ folder: string; source: string; objectKey: string }> {
  const folder = join(ground.folder, name)
  await mkdir(folder, { recursive: true })
  const source = join(folder, 'source')
  await writeFile(source, content)
  return { folder, source, objectKey: `${name}/source.c4gh` }
}

function send(
  play: Play,
  sources: string[],
  target: string,
  force = false,
  more: Partial<UploadRequest> = {},
): Promise<UploadResult> {
  const { ground, store } = play
  const { publicKey } = ground.reader
  return upload({
    store,
    sources,
    bucket: ground.bucket,
    target,
    recipients: [{ name: 'reader', publicKey, fingerprint: fingerprint(publicKey) }],
    force,
    partSize: PART_SIZE,
    journal: journalOf(play),
    // Those who deliver can open what they sent, or can't: then a second data key is needed to go on.
    ...(play.random.chance(2) ? { identities: async () => [ground.reader] } : {}),
    ...more,
  })
}

/** What is there before: delivered in peace. */
async function put(play: Play, sources: string[], target: string): Promise<void> {
  await send({ ...play, store: play.ground.plainStore }, sources, target)
}

function receive(
  play: Play,
  source: string,
  destination: string,
  more: Partial<DownloadRequest> = {},
): Promise<DownloadResult> {
  const { ground, store } = play
  const { bucket, reader } = ground
  const journal = journalOf(play)
  const asked = { decrypt: true, force: false, identities: [reader], journal }
  return download({ store, bucket, source, destination, ...asked, ...more })
}

/** As the commands have it: the same request again goes on where the one before stopped. */
function journalOf({ ground, name }: Play): JournalSettings {
  const folder = join(ground.folder, name)
  return { endpoint: 'http://faults', stateFolder: join(folder, 'state'), command: [], folder }
}

/** The object holds one of the contents, whole; where it need not be there it may be missing. */
async function expectObject(
  play: Play,
  objectKey: string,
  contents: readonly Uint8Array[],
  required: boolean,
): Promise<void> {
  const { bucket, folder, reader, plainStore } = play.ground
  if (!(await exists(play, objectKey))) {
    if (required) play.wrong(`${objectKey} is not there`)
    return
  }
  const path = join(folder, `${play.name}-checked`)
  try {
    await download({
      store: plainStore,
      bucket,
      source: objectKey,
      destination: path,
      identities: [reader],
      decrypt: true,
      force: true,
    })
    const found = await readFile(path)
    if (!contents.some((content) => found.equals(content))) play.wrong(`${objectKey} holds something else`)
  } catch (error) {
    play.wrong(`${objectKey} can't be read back: ${String(error)}`)
  } finally {
    await rm(path, { force: true })
  }
}

async function expectFile(
  play: Play,
  path: string,
  contents: readonly Uint8Array[],
  required: boolean,
): Promise<void> {
  const found = await readFile(path).catch(() => undefined)
  if (found === undefined) {
    if (required) play.wrong(`${path} is not there`)
  } else if (!contents.some((content) => found.equals(content))) {
    play.wrong(`${path} holds something else (${found.length} bytes)`)
  }
}

/** Every file is delivered or named as failed, and what is there is right. */
async function expectDelivery(
  play: Play,
  prefix: string,
  files: Record<string, Uint8Array>,
  result: UploadResult | undefined,
): Promise<void> {
  const delivered = new Set(result?.objects.map(({ objectKey }) => objectKey))
  if (result !== undefined && result.objects.length + result.failed.length !== Object.keys(files).length) {
    play.wrong(`of ${Object.keys(files).length} files ${result.objects.length} are reported as done`)
  }
  for (const [name, content] of Object.entries(files)) {
    const objectKey = `${prefix}${name}.c4gh`
    await expectObject(play, objectKey, [content], delivered.has(objectKey))
  }
}

async function expectReceived(
  play: Play,
  prefix: string,
  target: string,
  files: Record<string, Uint8Array>,
  result: DownloadResult | undefined,
): Promise<void> {
  const received = new Set(result?.files.map(({ objectKey }) => objectKey))
  if (result !== undefined && result.files.length + result.failed.length !== Object.keys(files).length) {
    play.wrong(`of ${Object.keys(files).length} files ${result.files.length} are reported as received`)
  }
  for (const [name, content] of Object.entries(files)) {
    await expectFile(play, join(target, name), [content], received.has(`${prefix}${name}.c4gh`))
  }
  if (result === undefined) return
  const visible = (await filesBelow(target)).filter((path) => !/(^|\/)\./.test(path))
  const strange = visible.filter((path) => files[path] === undefined)
  if (strange.length > 0) play.wrong(`nobody asked for ${strange.join(', ')}`)
}

async function exists({ ground }: Play, objectKey: string): Promise<boolean> {
  try {
    await ground.plainStore.headObject(ground.bucket, objectKey)
    return true
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return false
    throw error
  }
}

async function objectBytes({ ground }: Play, objectKey: string): Promise<Buffer> {
  const { body } = await ground.plainStore.getObject(ground.bucket, objectKey)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function clear({ ground, name }: Play, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  for await (const { objectKey } of ground.plainStore.listObjects(ground.bucket, { prefix: `${name}/` })) {
    await ground.plainStore.deleteObject(ground.bucket, objectKey)
  }
}
