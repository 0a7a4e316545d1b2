import { createHash } from 'node:crypto'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../crypto/crypt4gh/format.ts'
import { newDataKey } from '../crypto/crypt4gh/segment.ts'
import { sealHeader } from '../crypto/crypt4gh/seal-header.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { PreparedPart, SentPart, UploadResult } from '../storage/multipart-upload.ts'
import type { ObjectHeaders, ObjectName, ObjectStore, ObjectTags } from '../storage/object-store.ts'
import { uploadStreamed, type StreamedPart } from '../storage/streamed-upload.ts'
import { AppError } from '../util/errors.ts'
import { PartBuffers } from './part-buffers.ts'
import { nextPartSegments, planGrowth, type PartGrowth } from './part-growth.ts'
import { MAX_OBJECT_SIZE, planParts } from './part-plan.ts'
import { startDigests } from './seal-task.ts'
import type { SegmentEngine } from './segment-engine.ts'
import type { PlaintextDigests } from './task-result.ts'
import type { Slot } from './slot-pool.ts'
import { StreamInput } from './stream-input.ts'
import { verifyStreamed } from './verify-streamed.ts'

export interface SealStreamOptions {
  store: ObjectStore
  engine: SegmentEngine
  /** Parts in flight. */
  concurrency: number
  /** Bytes aimed at for the first parts; they grow with what was sent. */
  partSize?: number | undefined
  /** Bytes of plaintext that will probably come: parts are equal up to there. */
  expectedSize?: number | undefined
  /** Bytes that the buffers may take: fewer parts are in flight where they would take more. */
  memory?: number | undefined
  /** An own key pair as the sender; an ephemeral one when absent. */
  sender?: KeyPair | undefined
  /** Replace an object that has the key. */
  replace: boolean
  /** All that the object shall say of itself; only that it is bytes when absent. */
  headers?: ObjectHeaders | undefined
  /** What it shall be tagged with. Look at it afterwards: a server may ignore them. */
  tags?: ObjectTags | undefined
  /** Awaited after a multipart upload was created and before its first part is sent. */
  onCreated?: ((uploadId: string) => Promise<void>) | undefined
  /**
   * Awaited when all was read and before there is an object, with the digests of the stream and the ETag that the object
   * will have, where that is known: a failure here leaves none.
   */
  beforeComplete?: ((digests: PlaintextDigests, etag: string | undefined) => Promise<void>) | undefined
  /** Whether the MD5 of the plaintext is wanted as well. */
  md5?: boolean | undefined
  /** Reads everything back afterwards. */
  verify?: boolean | undefined
  /** Told about each part the store has. */
  onPart?: ((part: SentPart) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface StreamedUpload extends UploadResult {
  /** Bytes of the stream. */
  plaintextSize: number
  /** Digests of the stream, hex; MD5 where asked for. */
  sha256: string
  md5: string | undefined
  /** Whether it was read back, with every tag. */
  verified: 'no' | 'tags'
}

/** Buffers of plaintext: one is filled while the other is sealed. */
const PLAIN_BUFFERS = 2

/** Bytes of the first parts, when no size is asked for: more of them are in memory than of a file. */
const FIRST_PART_SIZE = 8 * 1024 ** 2

/** Bytes of buffers beyond which, without a limit of the caller's own, fewer parts are in flight. */
const USUAL_MEMORY = 1024 ** 3

/** Bytes of a part whose MD5 is worth computing on this thread. */
const LARGEST_PROBE = 64 * 1024 ** 2

/**
 * Seals a stream for its recipients on the way to the store, under a fresh data key that never leaves this process.
 * How much will come need not be known: up to 5 TiB fit. A stream can't be read twice, so a part stays in memory
 * until the store has it, and after a failure nothing of the upload stays. Nothing is read ahead of a free buffer:
 * memory is at most (concurrency + 2) × part size; without `memory`, 1 GiB or three times the part size where that is more.
 *
 * @param recipients - public keys, distinct
 * @throws AppError UNSUPPORTED for a stream over 5 TiB, or one whose parts outgrow `memory`; USAGE for a part size outside
 * S3's limits; what the stream throws; what uploadStreamed and verifyStreamed throw
 */
export async function sealStreamAndUpload(
  plaintext: AsyncIterable<Uint8Array>,
  target: ObjectName,
  recipients: readonly Uint8Array[],
  options: SealStreamOptions,
): Promise<StreamedUpload> {
  const dataKey = newDataKey()
  try {
    const header = await sealHeader({ dataKeys: [dataKey] }, recipients, options.sender)
    const sealing = new StreamSealing(header, dataKey, options)
    const { beforeComplete } = options
    const stored = await uploadStreamed(options.store, target, (signal) => sealing.parts(plaintext, signal), {
      concurrency: options.concurrency,
      acl: 'bucket-owner-full-control',
      contentType: 'application/octet-stream',
      headers: options.headers,
      tags: options.tags,
      ifAbsent: !options.replace,
      onCreated: options.onCreated,
      onPartStored: (part) => options.onPart?.(part),
      beforeComplete: beforeComplete && ((etag) => beforeComplete(sealing.digests(), etag)),
      signal: options.signal,
    })
    const verify = options.verify === true
    if (verify) await verifyStreamed(target, stored, header, dataKey, options)
    const digests = sealing.digests()
    return {
      ...stored,
      plaintextSize: sealing.plaintextSize,
      ...digests,
      verified: verify ? 'tags' : 'no',
    }
  } finally {
    dataKey.fill(0)
  }
}

/** Plaintext of a part, and how many sealed parts may exist beside it. */
interface ReadPart {
  partNumber: number
  plain: Slot
  length: number
  slotSize: number
  slots: number
}

class StreamSealing {
  plaintextSize = 0
  readonly #header: Uint8Array
  readonly #dataKey: Uint8Array
  readonly #options: SealStreamOptions
  readonly #growth: PartGrowth
  readonly #hashing: { update: (bytes: Uint8Array) => void; end(): PlaintextDigests }
  #digests: PlaintextDigests | undefined
  readonly #plain = new PartBuffers()
  readonly #sealed = new PartBuffers()

  constructor(header: Uint8Array, dataKey: Uint8Array, options: SealStreamOptions) {
    this.#header = header
    this.#dataKey = dataKey
    this.#options = options
    const { segmentsPerPart } = planParts(0, header.length, options.partSize ?? FIRST_PART_SIZE)
    this.#growth = planGrowth(segmentsPerPart, options.expectedSize)
    this.#hashing = startDigests(options.md5 === true ? 'sha256+md5' : 'sha256')
  }

  async *parts(plaintext: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<StreamedPart> {
    const input = new StreamInput(plaintext, signal)
    const room = Math.floor((MAX_OBJECT_SIZE - this.#header.length) / ENCRYPTED_SEGMENT_SIZE)
    try {
      for (let partNumber = 1, sent = 0, previous = 0, last = false; !last; partNumber += 1) {
        const segments = Math.min(nextPartSegments(this.#growth, sent, previous), room - sent)
        if (segments === 0) throw tooLarge(this.plaintextSize)
        const slotSize = this.#header.length + segments * ENCRYPTED_SEGMENT_SIZE
        const { plainBuffers, slots } = this.#limits(slotSize)
        const plain = await this.#plain.take(segments * SEGMENT_SIZE, plainBuffers, signal)
        const wanted = plain.bytes.subarray(0, segments * SEGMENT_SIZE)
        const length = await input.fill(wanted, this.#hashing.update)
        this.plaintextSize += length
        last = await input.atEnd()
        const part = { partNumber, plain, length, slotSize, slots }
        yield { last, prepare: () => this.#seal(part, signal) }
        sent += segments
        previous = segments
      }
    } finally {
      input.close()
    }
  }

  /** Of the whole stream: to be asked for when it has ended. */
  digests(): PlaintextDigests {
    this.#digests ??= this.#hashing.end()
    return this.#digests
  }

  /** Parts in flight are fewer where more don't fit: down to one within a given limit, else to two. */
  #limits(slotSize: number): { plainBuffers: number; slots: number } {
    const { memory, concurrency } = this.#options
    const fitting = Math.floor((memory ?? USUAL_MEMORY) / slotSize)
    if (memory !== undefined && fitting < 2) throw outgrown(slotSize, memory, this.plaintextSize)
    const buffers = memory === undefined ? Math.max(3, fitting) : fitting
    const slots = Math.min(concurrency, buffers - 1)
    return { plainBuffers: Math.min(PLAIN_BUFFERS, buffers - slots), slots }
  }

  async #seal(part: ReadPart, signal: AbortSignal): Promise<PreparedPart> {
    const { partNumber, plain, length: plainLength } = part
    const slot = await this.#sealed.take(part.slotSize, part.slots, signal)
    const release = (): void => {
      this.#sealed.giveBack(slot)
    }
    try {
      const slotOffset = partNumber === 1 ? this.#header.length : 0
      slot.bytes.set(this.#header.subarray(0, slotOffset))
      const { length, sha256 } = await this.#options.engine.run({
        kind: 'seal-memory',
        dataKey: this.#dataKey,
        plain: plain.shared,
        plainLength,
        slot: slot.shared,
        slotOffset,
      })
      const body = Buffer.from(slot.shared, 0, length)
      // Of one part it is enough to know whether ETags are MD5s here.
      const probed = partNumber === 1 && length <= LARGEST_PROBE
      const etagProbe = probed ? createHash('md5').update(body).digest('hex') : undefined
      return { body, sha256, etagProbe, release }
    } catch (error) {
      release()
      throw error
    } finally {
      this.#plain.giveBack(plain)
    }
  }
}

function tooLarge(plaintextSize: number): AppError {
  return new AppError(
    'UNSUPPORTED',
    `the stream goes on after ${plaintextSize} bytes, and one S3 object holds no more (5 TiB)`,
    { hints: ['split it and upload the pieces'] },
  )
}

function outgrown(partSize: number, memory: number, plaintextSize: number): AppError {
  return new AppError(
    'UNSUPPORTED',
    `after ${plaintextSize} bytes of the stream parts have to be ${partSize} bytes, and two of them are more than the ${memory} bytes of memory allowed`,
    {
      hints: [
        'give --expected-size, so that parts are the same from the beginning',
        'give a larger --memory',
      ],
    },
  )
}
