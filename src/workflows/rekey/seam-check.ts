import { ENCRYPTED_SEGMENT_SIZE, MAC_SIZE, NONCE_SIZE } from '../../crypto/crypt4gh/format.ts'
import type { ByteRange, ObjectName, ObjectStore } from '../../storage/object-store.ts'
import { fetchRange } from '../../transfer/fetch-range.ts'
import { sameBytes } from '../../util/bytes.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { forEachPulled } from '../../util/pull-pool.ts'
import type { CopyPlan } from '../copies/copy-plan.ts'
import { SegmentWitness } from './object-beginning.ts'
import type { Traffic } from './rekeyed-object.ts'

/** Requests under way at a time. */
const SEAMS_AT_ONCE = 4

/** One version of an object that ranges are fetched of. */
export interface FetchedObject {
  store: ObjectStore
  name: ObjectName
  version: { size: number; etag: string }
  traffic: Traffic
  signal?: AbortSignal | undefined
}

/**
 * Where two parts of a copy meet, or where the last one ends. What is around it is random and so tells the place: the tag
 * of the segment that ends there, and the nonce of the one that begins there.
 */
export interface Seam {
  /** Bytes from the beginning of the source. */
  offset: number
  around: Uint8Array
}

/** What the source has where the parts of its copy will meet, and at its end. Throws OBJECT_CHANGED; StorageError. */
export async function sourceSeams(source: FetchedObject, plan: CopyPlan): Promise<Seam[]> {
  const { size } = source.version
  const offsets = Array.from({ length: plan.partCount - 1 }, (_, n) => plan.part(n + 2).offset)
  const seams: Seam[] = []
  const look = async (offset: number): Promise<void> => {
    const start = offset - MAC_SIZE
    const length = Math.min(size, offset + NONCE_SIZE) - start
    seams.push({ offset, around: await fetched(source, { offset: start, length }) })
  }
  await forEachPulled([...offsets, size], SEAMS_AT_ONCE, look, source.signal)
  return seams
}

/**
 * Sees that a copy is the source with another header: the header is the one that was sent, and at every seam lie the same
 * two segments as in the source, whole and genuine. What lies between is what the server copied as one piece.
 *
 * @param headers - the new header, and bytes of the old one
 * @throws AppError INTEGRITY naming the byte; OBJECT_CHANGED; StorageError
 */
export async function checkSeams(
  copy: FetchedObject,
  seams: readonly Seam[],
  headers: { after: Uint8Array; before: number },
  dataKeys: readonly Uint8Array[],
): Promise<void> {
  const { size } = copy.version
  const bodyStart = headers.after.length
  const shift = bodyStart - headers.before
  const witness = new SegmentWitness(dataKeys)
  const authenticate = (bytes: Uint8Array, offset: number): void => {
    const isEnd = offset + bytes.length === size
    try {
      witness.authenticate(bytes, (offset - bodyStart) / ENCRYPTED_SEGMENT_SIZE, isEnd)
    } catch (error) {
      throw hasCode(error, 'AUTHENTICATION_FAILED') ? wrongCopy(copy.name, offset, error) : error
    }
  }
  const checkSeam = async ({ offset, around }: Seam): Promise<void> => {
    const at = offset + shift
    const start = segmentBefore(at, bodyStart)
    const range = { offset: start, length: Math.min(size, at + ENCRYPTED_SEGMENT_SIZE) - start }
    const bytes = await fetched(copy, range)
    const from = at - MAC_SIZE - start
    if (!sameBytes(bytes.subarray(from, from + around.length), around)) throw wrongCopy(copy.name, at)
    authenticate(bytes, start)
  }
  try {
    const length = Math.min(size, bodyStart + ENCRYPTED_SEGMENT_SIZE)
    const first = await fetched(copy, { offset: 0, length })
    if (!sameBytes(first.subarray(0, bodyStart), headers.after)) throw wrongCopy(copy.name, 0)
    authenticate(first.subarray(bodyStart), bodyStart)
    await forEachPulled(seams, SEAMS_AT_ONCE, checkSeam)
  } finally {
    witness.wipe()
  }
}

/** Where the segment begins that ends at `end`. */
function segmentBefore(end: number, bodyStart: number): number {
  const segments = Math.ceil((end - bodyStart) / ENCRYPTED_SEGMENT_SIZE)
  return bodyStart + (segments - 1) * ENCRYPTED_SEGMENT_SIZE
}

async function fetched(
  { store, name, version, traffic, signal }: FetchedObject,
  range: ByteRange,
): Promise<Uint8Array> {
  const { size, etag } = version
  const bytes = await fetchRange(store, name, range, etag, signal, undefined, size)
  traffic.received += bytes.length
  return bytes
}

function wrongCopy({ bucket, objectKey }: ObjectName, offset: number, cause?: unknown): AppError {
  return new AppError(
    'INTEGRITY',
    `s3://${bucket}/${objectKey} was not copied as it was: byte ${offset} and on are other than in its source`,
    { cause },
  )
}
