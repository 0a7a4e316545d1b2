import { ENCRYPTED_SEGMENT_SIZE } from '../../crypto/crypt4gh/format.ts'
import { openHeader, type OpenedHeader } from '../../crypto/crypt4gh/open-header.ts'
import { newDataKey } from '../../crypto/crypt4gh/segment.ts'
import type { KeyPair } from '../../crypto/keys/key-pair.ts'
import type { ObjectName, ObjectStore } from '../../storage/object-store.ts'
import { fetchRange } from '../../transfer/fetch-range.ts'
import { inObject } from '../../transfer/object-header.ts'
import { AppError } from '../../util/errors.ts'
import { SegmentWitness, type ObjectBeginning } from './object-beginning.ts'
import type { Traffic } from './rekeyed-object.ts'

/** Segments that are fetched one by one to see what a data key opens. */
const LOOKS = 16

/** Where an object is fetched from. */
export interface BegunObject {
  store: ObjectStore
  name: ObjectName
  beginning: ObjectBeginning
  traffic: Traffic
  signal?: AbortSignal | undefined
}

/**
 * Opens the header of an object, and authenticates what was fetched of the body. The data keys that it gives are known to
 * open segments of this body: whoever wrote the object may have put a packet into its header that is for us and holds the
 * data key of another object, and new readers would be given that.
 *
 * @returns what the header holds, without data keys that open nothing of a body that was seen whole. For an empty body,
 * which no key can be seen to belong to, a fresh one
 * @throws AppError NO_MATCHING_KEY; AUTHENTICATION_FAILED; INVALID_HEADER also for a data key that opens none of the
 * segments that were looked at; OBJECT_CHANGED; StorageError
 */
export async function openBeginning(
  object: BegunObject,
  identities: readonly KeyPair[],
): Promise<OpenedHeader> {
  const { name, beginning } = object
  const { header, head, bytes } = beginning
  try {
    const opened = await openHeader(header, identities)
    const witness = new SegmentWitness(opened.dataKeys)
    try {
      const isWhole = bytes.length === head.size
      witness.authenticate(bytes.subarray(header.length), 0, isWhole)
      if (!isWhole) await lookFurther(object, witness)
      return { ...opened, dataKeys: keysOfBody(opened.dataKeys, witness, head.size === header.length) }
    } catch (error) {
      for (const dataKey of opened.dataKeys) dataKey.fill(0)
      throw error
    } finally {
      witness.wipe()
    }
  } catch (error) {
    throw inObject(error, name)
  }
}

/** Wipes those that are left out. */
function keysOfBody(
  dataKeys: readonly Uint8Array[],
  { unseen }: SegmentWitness,
  isEmpty: boolean,
): Uint8Array[] {
  for (const dataKey of unseen) dataKey.fill(0)
  return isEmpty ? [newDataKey()] : dataKeys.filter((dataKey) => !unseen.has(dataKey))
}

/**
 * Looks for what opened nothing at the beginning: an upload that was gone on with under a second data key has it further
 * on. Its end comes first, because there it most probably is.
 */
async function lookFurther(
  { store, name, beginning, traffic, signal }: BegunObject,
  witness: SegmentWitness,
): Promise<void> {
  const { header, head, bytes } = beginning
  const seen = Math.floor((bytes.length - header.length) / ENCRYPTED_SEGMENT_SIZE)
  const count = Math.ceil((head.size - header.length) / ENCRYPTED_SEGMENT_SIZE)
  const places = spreadOver(seen, count)
  for (let looks = 0; witness.unseen.size > 0 && looks < LOOKS; looks += 1) {
    const place = places.next()
    if (place.done === true) return
    const offset = header.length + place.value * ENCRYPTED_SEGMENT_SIZE
    const length = Math.min(ENCRYPTED_SEGMENT_SIZE, head.size - offset)
    const range = { offset, length }
    const segment = await fetchRange(store, name, range, head.etag, signal, undefined, head.size)
    traffic.received += length
    witness.authenticate(segment, place.value, offset + length === head.size)
  }
  if (witness.unseen.size > 0 && places.next().done !== true) throw foreignKey(witness)
}

/** All numbers from `from` to below `to`: the last one, then the middle of what is left, and the middles of its halves. */
export function* spreadOver(from: number, to: number): Generator<number, void, undefined> {
  if (from >= to) return
  yield to - 1
  const ranges: [number, number][] = [[from, to - 1]]
  for (const [start, end] of ranges) {
    if (start >= end) continue
    const middle = Math.floor((start + end) / 2)
    yield middle
    ranges.push([start, middle], [middle + 1, end])
  }
}

function foreignKey({ unseen, keyCount }: SegmentWitness): AppError {
  return new AppError(
    'INVALID_HEADER',
    `${unseen.size} of its ${keyCount} data keys ${unseen.size === 1 ? 'opens' : 'open'} nothing that was looked at of its body`,
    {
      hints: [
        'new readers would be given a key that may be of another object; with --deep it is encrypted anew, under one key of its own',
      ],
    },
  )
}
