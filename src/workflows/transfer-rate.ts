import { z } from 'zod'
import { SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { newDataKey } from '../crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../crypto/crypt4gh/sizes.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { DEFAULT_RANGE_SIZE } from '../transfer/range-plan.ts'
import { startSegmentEngine } from '../transfer/segment-engine.ts'
import { openSourceFile } from '../transfer/source-file.ts'
import { AppError } from '../util/errors.ts'
import { readJsonFile, writeJsonFile } from '../util/json-file.ts'

/** How fast a transfer is expected to be. */
export interface KnownRate {
  /** Of the objects, as they are sent or fetched. */
  bytesPerSecond: number
  /**
   * `earlier`: transfers to or from this endpoint; `fetching`: the start of an object was fetched just now;
   * `sealing`: a file was encrypted into nothing just now, which says nothing about the network.
   */
  from: 'earlier' | 'fetching' | 'sealing'
  /** Transfers the rate is the median of; only of `earlier`. */
  transfers?: number | undefined
}

export type Direction = 'upload' | 'download'

/** Transfers of fewer bytes than this say more about latency than about the rate. */
const MIN_REMEMBERED = 64 * 1024 ** 2

/** Rates remembered per endpoint and direction. */
const REMEMBERED = 5

/** Endpoints remembered; the one not used for longest is forgotten first. */
const MAX_ENDPOINTS = 50

/** Bytes sealed, and fetched, to measure. Less than a segment's worth measures only the clock. */
const SEALING_SAMPLE = 64 * 1024 ** 2
const FETCHING_SAMPLE = 32 * 1024 ** 2
const MIN_SAMPLE = 4 * 1024 ** 2

/** Seconds after which a slow measurement is stopped: what came until then tells enough. */
const MAX_MEASURING = 5

const ratesSchema = z.object({
  version: z.literal(1),
  /** The one used last stands last. */
  rates: z.array(
    z.object({
      endpoint: z.string(),
      direction: z.enum(['upload', 'download']),
      /** Oldest first. */
      bytesPerSecond: z.array(z.number().positive()).max(REMEMBERED),
    }),
  ),
})
type Rates = z.infer<typeof ratesSchema>

/** The median of the last transfers with an endpoint; undefined when none is remembered, or the file can't be read. */
export async function rememberedRate(
  file: string,
  endpoint: string,
  direction: Direction,
): Promise<KnownRate | undefined> {
  const { rates } = await readRates(file)
  const known = rates.find((entry) => entry.endpoint === endpoint && entry.direction === direction)
  const bytesPerSecond = median(known?.bytesPerSecond ?? [])
  if (bytesPerSecond === undefined) return undefined
  return { bytesPerSecond, from: 'earlier', transfers: known?.bytesPerSecond.length }
}

/**
 * Remembers how fast a transfer was, if it was long enough to tell. A transfer that succeeded does not fail because
 * this can't be noted: the answer says whether it was.
 */
export async function rememberRate(
  file: string,
  transfer: { endpoint: string; direction: Direction; bytes: number; seconds: number },
): Promise<boolean> {
  const { endpoint, direction, bytes, seconds } = transfer
  if (bytes < MIN_REMEMBERED || seconds <= 0) return false
  const { rates } = await readRates(file)
  const isThis = (entry: Rates['rates'][number]): boolean =>
    entry.endpoint === endpoint && entry.direction === direction
  const before = rates.find(isThis)?.bytesPerSecond ?? []
  const updated = { endpoint, direction, bytesPerSecond: [...before, bytes / seconds].slice(-REMEMBERED) }
  const kept = [...rates.filter((entry) => !isThis(entry)), updated].slice(-2 * MAX_ENDPOINTS)
  try {
    await writeJsonFile(file, { version: 1, rates: kept } satisfies Rates)
    return true
  } catch (error) {
    if (error instanceof AppError) return false
    throw error
  }
}

/**
 * Measures how fast this machine reads and seals a file: its first 64 MiB, under a key that is thrown away, into
 * nothing. Undefined when it is too short to tell.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_CHANGED
 */
export async function measureSealing(path: string, signal?: AbortSignal): Promise<KnownRate | undefined> {
  const source = await openSourceFile(path)
  const total = Math.min(source.size, SEALING_SAMPLE)
  // As in a large transfer, whatever the size of this sample.
  const engine = startSegmentEngine(Number.POSITIVE_INFINITY)
  const dataKey = newDataKey()
  try {
    if (total < MIN_SAMPLE) return undefined
    const piece = SEGMENT_SIZE * 64
    const offsets = Array.from({ length: Math.ceil(total / piece) }, (_, index) => index * piece)
    const seal = async (plaintextOffset: number): Promise<void> => {
      signal?.throwIfAborted()
      const plaintextLength = Math.min(piece, total - plaintextOffset)
      await engine.run({
        kind: 'seal-to-memory',
        dataKey,
        fd: source.fd,
        plaintextOffset,
        plaintextLength,
        slot: new SharedArrayBuffer(encryptedBodySize(plaintextLength)),
        slotOffset: 0,
      })
    }
    // Threads start with the first pieces; their start is not the rate.
    await Promise.all(offsets.slice(0, 4).map(seal))
    const started = performance.now()
    await Promise.all(offsets.map(seal))
    const seconds = (performance.now() - started) / 1000
    return { bytesPerSecond: encryptedBodySize(total) / Math.max(seconds, 1e-3), from: 'sealing' }
  } finally {
    await engine.close()
    dataKey.fill(0)
    await source.close()
  }
}

/**
 * Measures how fast an object comes: up to its first 32 MiB, for at most five seconds. Undefined when it is too short
 * to tell.
 *
 * @throws what getObject throws
 */
export async function measureFetching(
  store: ObjectStore,
  object: { bucket: string; objectKey: string; size: number },
  signal?: AbortSignal,
): Promise<KnownRate | undefined> {
  if (object.size < MIN_SAMPLE) return undefined
  const wanted = Math.min(object.size, FETCHING_SAMPLE)
  const started = performance.now()
  const secondsSoFar = (): number => (performance.now() - started) / 1000
  // Several ranges at a time, as a download fetches them.
  const count = Math.ceil(wanted / DEFAULT_RANGE_SIZE)
  const fetched = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const offset = index * DEFAULT_RANGE_SIZE
      const range = { offset, length: Math.min(DEFAULT_RANGE_SIZE, wanted - offset) }
      const { body } = await store.getObject(object.bucket, object.objectKey, { range, signal })
      let bytes = 0
      for await (const chunk of body) {
        bytes += chunk.length
        if (secondsSoFar() > MAX_MEASURING) break
      }
      return bytes
    }),
  )
  const bytes = fetched.reduce((sum, part) => sum + part, 0)
  return bytes === 0
    ? undefined
    : { bytesPerSecond: bytes / Math.max(secondsSoFar(), 1e-3), from: 'fetching' }
}

/** What can't be read counts as nothing remembered, and is replaced. */
async function readRates(file: string): Promise<Rates> {
  const none: Rates = { version: 1, rates: [] }
  try {
    return await readJsonFile(file, ratesSchema, none)
  } catch (error) {
    if (error instanceof AppError) return none
    throw error
  }
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[sorted.length >> 1]
  const lower = sorted[(sorted.length - 1) >> 1]
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2
}
