import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fingerprint } from '../crypto/keys/fingerprint.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { KEY_CARD_PREFIX } from '../storage/access/key-card.ts'
import type { ObjectEntry, ObjectStore } from '../storage/object-store.ts'
import { downloadAndOpen, downloadAsIs, type DownloadOptions } from '../transfer/download-object.ts'
import { DEFAULT_RANGE_SIZE } from '../transfer/range-plan.ts'
import { startSegmentEngine } from '../transfer/segment-engine.ts'
import { SlotPool } from '../transfer/slot-pool.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { errnoOf, fileError } from '../util/file-errors.ts'
import { singleTarget, targetPath } from './download-targets.ts'
import { ProgressCount, type TransferProgress } from './transfer-progress.ts'
import { runTransfers, type FailedFile, type FailedTransfer } from './transfer-run.ts'

/** Ranges in flight over all objects together. */
const DEFAULT_CONCURRENCY = 4

export interface DownloadRequest {
  store: ObjectStore
  bucket: string
  /** An object key, or a prefix: empty, or ending in `/`. */
  source: string
  /** Folder or file; the folder the command runs in when absent. */
  destination?: string | undefined
  /** Secret keys that may open the objects; not needed when they are kept encrypted. */
  identities: readonly KeyPair[]
  decrypt: boolean
  /** Public keys, one of which must have written what opens for us; anybody's may when absent. */
  senders?: readonly Uint8Array[] | undefined
  /** Replace files that exist. */
  force: boolean
  concurrency?: number | undefined
  /** Worker threads for the cipher; chosen by size when absent. */
  threads?: number | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

interface DownloadedFile {
  objectKey: string
  path: string
  /** Bytes of the file written. */
  size: number
  /** Bytes of the object. */
  objectSize: number
  etag: string
  /** Fingerprints of the sender keys the header names; proof of origin only when you know the key. */
  senders: string[]
}

export interface DownloadResult {
  files: DownloadedFile[]
  failed: FailedTransfer[]
  /** Objects of the key card: public keys, left out of a decrypting download. */
  skipped: string[]
  bytes: number
  seconds: number
}

interface Target {
  objectKey: string
  path: string
  size: number
}

/**
 * Downloads an object, or every object of a prefix, and decrypts it on the way. A file gets its name only when
 * its last segment was authenticated. Failures of single objects are in the result; the others go on.
 *
 * @throws AppError OBJECT_NOT_FOUND when there is nothing; when no object succeeded, what the first one failed with
 */
export async function download(request: DownloadRequest): Promise<DownloadResult> {
  const started = performance.now()
  const { targets, unsafe, skipped } = isPrefix(request.source)
    ? await prefixTargets(request)
    : { targets: [await objectTarget(request)], unsafe: [], skipped: [] }
  const total = targets.reduce((sum, { size }) => sum + size, 0)
  const progress = new ProgressCount(total, targets.length, request.onProgress)
  const concurrency = request.concurrency ?? DEFAULT_CONCURRENCY
  const engine = startSegmentEngine(request.decrypt ? total : 0, request.threads)
  const options: DownloadOptions = {
    store: request.store,
    engine,
    slots: new SlotPool(concurrency, Math.min(DEFAULT_RANGE_SIZE, Math.max(1, largest(targets)))),
    concurrency,
    senders: request.senders,
    replace: request.force,
    signal: request.signal,
  }
  const { done, failed } = await runTransfers(
    targets,
    ({ objectKey }) => objectKey,
    (target) => downloadOne(target, request, options, progress),
    { signal: request.signal, earlier: unsafe },
  ).finally(() => engine.close())
  return {
    files: done.sort((a, b) => (a.objectKey < b.objectKey ? -1 : 1)),
    failed,
    skipped,
    bytes: done.reduce((sum, { size }) => sum + size, 0),
    seconds: (performance.now() - started) / 1000,
  }
}

async function downloadOne(
  target: Target,
  request: DownloadRequest,
  options: DownloadOptions,
  progress: ProgressCount,
): Promise<DownloadedFile> {
  const { objectKey, path } = target
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw fileError(error, 'create the folder of', path)
  })
  const name = { bucket: request.bucket, objectKey }
  const counted = {
    ...options,
    onBytes: (count: number) => {
      progress.addBytes(objectKey, count)
    },
  }
  const { size, objectSize, etag, senders } = request.decrypt
    ? await downloadAndOpen(name, path, request.identities, counted)
    : await downloadAsIs(name, path, counted)
  progress.addFile(objectKey)
  return { objectKey, path, size, objectSize, etag, senders: senders.map(fingerprint) }
}

function isPrefix(source: string): boolean {
  return source === '' || source.endsWith('/')
}

async function objectTarget(request: DownloadRequest): Promise<Target> {
  const { store, bucket, source, destination, signal } = request
  const { size } = await store.headObject(bucket, source, { signal })
  const folder = destination?.endsWith('/') === true || (await isFolder(destination ?? '.'))
  return { objectKey: source, size, path: singleTarget(destination, folder, source, request.decrypt) }
}

/** What a prefix holds: objects with a safe name, others, and the key card. */
interface PrefixTargets {
  targets: Target[]
  unsafe: FailedFile[]
  skipped: string[]
}

async function prefixTargets(request: DownloadRequest): Promise<PrefixTargets> {
  const { store, bucket, source, destination, signal } = request
  const byPath = new Map<string, Target>()
  const unsafe: FailedFile[] = []
  const skipped: string[] = []
  for await (const { objectKey, size } of store.listObjects(bucket, { prefix: source, signal })) {
    if (isFolderMarker({ objectKey, size })) continue
    if (request.decrypt && objectKey.startsWith(KEY_CARD_PREFIX) && !source.startsWith(KEY_CARD_PREFIX)) {
      skipped.push(objectKey)
      continue
    }
    try {
      const path = targetPath(destination ?? '.', source, objectKey, request.decrypt)
      const other = byPath.get(path)
      if (other) throw sameFile(other.objectKey, objectKey, path)
      byPath.set(path, { objectKey, size, path })
    } catch (error) {
      if (!hasCode(error, 'UNSAFE_PATH')) throw error
      unsafe.push({ name: objectKey, error })
    }
  }
  if (byPath.size === 0 && unsafe.length === 0) {
    throw new AppError('OBJECT_NOT_FOUND', `there is no object below s3://${bucket}/${source}`, {
      hints: [`look what is there: sealift ls s3://${bucket}/`],
    })
  }
  return { targets: [...byPath.values()], unsafe, skipped }
}

/** Web consoles make "folders" of empty objects whose key ends in a slash. */
function isFolderMarker({ objectKey, size }: Pick<ObjectEntry, 'objectKey' | 'size'>): boolean {
  return objectKey.endsWith('/') && size === 0
}

function sameFile(first: string, second: string, path: string): AppError {
  return new AppError('UNSAFE_PATH', `${first} and ${second} would both become ${path}`, {
    hints: ['download one of them alone and name the file it should become'],
  })
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw fileError(error, 'write', path)
  }
}

function largest(targets: readonly Target[]): number {
  return targets.reduce((most, { size }) => Math.max(most, size), 0)
}
