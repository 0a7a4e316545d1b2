/** What all transfers of the fault campaign are made of. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { fingerprint } from '../../src/crypto/keys/fingerprint.ts'
import type { KeyPair } from '../../src/crypto/keys/key-pair.ts'
import type { Store } from '../../src/storage/store.ts'
import { AppError } from '../../src/util/errors.ts'
import { download } from '../../src/workflows/download.ts'
import type { DownloadRequest, DownloadResult } from '../../src/workflows/download.ts'
import type { JournalSettings } from '../../src/workflows/transfer-job.ts'
import { upload } from '../../src/workflows/upload.ts'
import type { UploadRequest, UploadResult } from '../../src/workflows/upload.ts'
import type { Random } from '../fuzz/random.ts'

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
export interface Play {
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

const MIB = 1024 ** 2

/** Bytes of a part: as short as S3 allows, so that there are many. */
export const PART_SIZE = 5 * MIB

export async function sourceFile(
  { ground, name }: Play,
  content: Uint8Array,
): Promise<{ folder: string; source: string; objectKey: string }> {
  const folder = join(ground.folder, name)
  await mkdir(folder, { recursive: true })
  const source = join(folder, 'source')
  await writeFile(source, content)
  return { folder, source, objectKey: `${name}/source.c4gh` }
}

export function send(
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
export async function put(play: Play, sources: string[], target: string): Promise<void> {
  await send({ ...play, store: play.ground.plainStore }, sources, target)
}

export function receive(
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

type Stoppable = (
  signal: AbortSignal,
  onProgress: (progress: { doneBytes: number; totalBytes: number }) => void,
) => Promise<unknown>

/** Starts it up to three times, and stops each once so many bytes were moved; true when it came to its end. */
export async function stopAndGoOn(play: Play, command: Stoppable): Promise<boolean> {
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

export async function objectBytes({ ground }: Play, objectKey: string): Promise<Buffer> {
  const { body } = await ground.plainStore.getObject(ground.bucket, objectKey)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function clear({ ground, name }: Play, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  for await (const { objectKey } of ground.plainStore.listObjects(ground.bucket, { prefix: `${name}/` })) {
    await ground.plainStore.deleteObject(ground.bucket, objectKey)
  }
}
