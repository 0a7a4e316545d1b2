import { createHash } from 'node:crypto'
import { sealedHeaderSize } from '../crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import { uploadObject, type PreparedPart, type UploadResult } from '../storage/multipart-upload.ts'
import type { ObjectName, ObjectStore } from '../storage/object-store.ts'
import { hasCode } from '../util/errors.ts'
import { canGoOnAfter, earlierPoint, nothingToSeal, type EarlierPoint } from './earlier-upload.ts'
import { writtenDown, type TransferJournal } from './journal/transfer-journal.ts'
import { planParts, planPartsOf, type PartPlan } from './part-plan.ts'
import { PlaintextHash } from './plaintext-hash.ts'
import type { WantedDigests } from './seal-task.ts'
import type { SegmentEngine } from './segment-engine.ts'
import type { PlaintextDigests } from './task-result.ts'
import type { SlotPool } from './slot-pool.ts'
import type { SourceFile } from './source-file.ts'
import { streamedPart } from './streamed-part.ts'
import { continuedHeader, freshHeader, hasRoomFor, type UploadHeader } from './upload-header.ts'
import { verifyUploaded } from './verify-uploaded.ts'

/** How every sealed object is stored. */
export const OBJECT_SETTINGS = {
  acl: 'bucket-owner-full-control',
  contentType: 'application/octet-stream',
} as const

/** Where no data key is needed: no cipher takes it. */
const NO_KEY = new Uint8Array(0)

export interface SealAndUploadOptions {
  store: ObjectStore
  engine: SegmentEngine
  /** Buffers shared by all uploads of a run; a part that does not fit into one is streamed. */
  slots: SlotPool
  /** Parts in flight for this object. */
  concurrency: number
  /** Bytes aimed at per part. */
  partSize?: number | undefined
  /** Digests of the plaintext to record. */
  digests: WantedDigests
  /** An own key pair as the sender; an ephemeral one when absent. */
  sender?: KeyPair | undefined
  /** Own key pairs; when one is among the recipients, an interrupted upload goes on under the same data key. */
  identities: readonly KeyPair[]
  /** Replace an object that has the key. */
  replace: boolean
  /** True when it was seen that the object is not there. */
  absentSeen?: boolean | undefined
  /** Reads everything back afterwards. */
  verify: boolean
  /** Where progress is written down, and what an earlier run left; without it a failure ends the upload for good. */
  journal?: TransferJournal | undefined
  /** Told about each part the store has; `found` ones were sent by an earlier run. */
  onPart?: ((part: { partNumber: number; size: number; etag: string }, found: boolean) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface SealedUpload extends UploadResult {
  plaintext: PlaintextDigests
  /** Bytes that an earlier run had sent. */
  foundBytes: number
  /** Data keys in the header: more than one after a resume without an own identity among the recipients. */
  dataKeyCount: number
  /** Whether everything was read back, and whether each tag could be checked, not only each part's MD5. */
  verified: 'no' | 'tags' | 'parts'
}

/** The plan for a file and its recipients: the same arithmetic before and during an upload. */
export function planUpload(plaintextSize: number, recipientCount: number, partSize?: number): PartPlan {
  return planParts(plaintextSize, sealedHeaderSize(recipientCount), partSize)
}

/**
 * Seals a file for its recipients on the way to the store, under a data key that never leaves this process except sealed.
 * Only sealed bytes are handed to the store. With a journal an upload that an earlier run began is gone on with.
 *
 * @param recipients - public keys, distinct
 * @throws AppError FILE_CHANGED when the source changed meanwhile (nothing is completed), UNSUPPORTED when it is too large;
 * what uploadObject and verifyUploaded throw
 */
export async function sealAndUpload(
  source: SourceFile,
  target: ObjectName,
  recipients: readonly Uint8Array[],
  options: SealAndUploadOptions,
): Promise<SealedUpload> {
  const earlier = await earlierPoint(options.store, target, source, options.journal)
  if (earlier !== undefined && hasRoomFor(earlier.header, recipients.length)) {
    try {
      return await new SealingUpload(source, target, recipients, options, earlier).run()
    } catch (error) {
      // Aborted by the bucket's owner or by a lifecycle rule: what was sent is gone.
      if (!hasCode(error, 'UPLOAD_NOT_FOUND')) throw error
      await options.journal?.append({ type: 'dropped', objectKey: target.objectKey })
    }
  }
  return new SealingUpload(source, target, recipients, options, undefined).run()
}

class SealingUpload {
  readonly #source: SourceFile
  readonly #target: ObjectName
  readonly #recipients: readonly Uint8Array[]
  readonly #options: SealAndUploadOptions
  readonly #earlier: EarlierPoint | undefined
  readonly #hash: PlaintextHash
  #wholeDigests: PlaintextDigests | undefined
  #probed = false
  #foundBytes = 0
  /** Whether a later run will know of this upload. */
  #written: boolean

  constructor(
    source: SourceFile,
    target: ObjectName,
    recipients: readonly Uint8Array[],
    options: SealAndUploadOptions,
    earlier: EarlierPoint | undefined,
  ) {
    this.#source = source
    this.#target = target
    this.#recipients = recipients
    this.#options = options
    this.#earlier = earlier
    this.#written = earlier !== undefined
    this.#hash = new PlaintextHash(options.engine, source, options.digests)
  }

  async run(): Promise<SealedUpload> {
    const header = await this.#header()
    try {
      const plan = this.#plan(header.bytes.length)
      const stored = await this.#send(plan, header)
      const plaintext = this.#wholeDigests ?? (await this.#hash.end())
      const { verify } = this.#options
      const verified = verify
        ? await verifyUploaded(this.#target, plan, header, stored, this.#options)
        : ('no' as const)
      const dataKeyCount = Math.round(
        (header.bytes.length - sealedHeaderSize(0)) /
          (sealedHeaderSize(this.#recipients.length) - sealedHeaderSize(0)),
      )
      return { ...stored, plaintext, foundBytes: this.#foundBytes, dataKeyCount, verified }
    } finally {
      for (const dataKey of header.dataKeys ?? []) dataKey.fill(0)
      header.dataKey.fill(0)
      // The digests of a whole, or of what was completed, are there: nothing reads the file any more.
      if (this.#wholeDigests === undefined) await this.#hash.abandon().catch(() => undefined)
    }
  }

  async #header(): Promise<UploadHeader> {
    const { store, sender, identities, journal, signal } = this.#options
    if (this.#earlier === undefined) return freshHeader(this.#recipients, sender)
    const header = await continuedHeader(this.#earlier.header, identities, this.#recipients, sender)
    if (
      header.extended &&
      (await nothingToSeal(store, this.#target, this.#source.size, this.#earlier, signal))
    ) {
      header.dataKey.fill(0)
      return { bytes: this.#earlier.header, dataKey: NO_KEY, dataKeys: undefined, extended: false }
    }
    if (header.extended) {
      // On disk before anything sealed with the new key leaves: the next run must know of it.
      await journal?.append({
        type: 'header',
        objectKey: this.#target.objectKey,
        header: Buffer.from(header.bytes).toString('base64'),
      })
    }
    return header
  }

  #plan(headerLength: number): PartPlan {
    const { size } = this.#source
    return this.#earlier === undefined
      ? planParts(size, headerLength, this.#options.partSize)
      : planPartsOf(this.#earlier.segmentsPerPart, size, headerLength)
  }

  async #send(plan: PartPlan, header: UploadHeader): Promise<UploadResult> {
    const { store, concurrency, replace, absentSeen, journal, signal } = this.#options
    const { objectKey } = this.#target
    return uploadObject(
      store,
      this.#target,
      {
        size: plan.objectSize,
        partCount: plan.partCount,
        inParts: !this.#isWhole(plan),
        prepare: (partNumber) => this.#prepare(plan, partNumber, header),
      },
      {
        concurrency,
        ...OBJECT_SETTINGS,
        ifAbsent: !replace,
        absentSeen,
        earlier: this.#earlierParts(header.extended),
        onCreated: async (uploadId) => {
          // Unwritten, it can't be gone on with; that is no reason to send nothing.
          this.#written = await writtenDown(journal, {
            type: 'upload',
            objectKey,
            path: this.#source.absolutePath,
            source: this.#source.identity,
            uploadId,
            segmentsPerPart: plan.segmentsPerPart,
            header: Buffer.from(header.bytes).toString('base64'),
          })
        },
        onPartStored: (part, found) => {
          if (found) this.#foundBytes += part.size
          this.#options.onPart?.(part, found)
          // Not awaited: a line that is lost with the machine only has its part sent once more.
          if (!found && !this.#isWhole(plan)) {
            journal?.append({ type: 'part', objectKey, ...part }).catch(() => undefined)
          }
        },
        beforeComplete: async () => {
          this.#wholeDigests = await this.#hash.end()
          await this.#source.refuseIfChanged()
        },
        keepAfter: journal && ((failure) => this.#written && canGoOnAfter(failure)),
        signal,
      },
    )
  }

  /** Whether it is sent in one request. */
  #isWhole(plan: PartPlan): boolean {
    return plan.partCount === 1 && plan.objectSize <= this.#options.slots.size && this.#earlier === undefined
  }

  /** A longer header needs part 1 once more, whatever the store has of it. */
  #earlierParts(extended: boolean): Pick<EarlierPoint, 'uploadId' | 'parts'> | undefined {
    if (this.#earlier === undefined) return undefined
    const { uploadId, parts } = this.#earlier
    return { uploadId, parts: extended ? parts.filter(({ partNumber }) => partNumber !== 1) : parts }
  }

  async #prepare(plan: PartPlan, partNumber: number, header: UploadHeader): Promise<PreparedPart> {
    const { plaintextOffset, plaintextLength, headerLength, size } = plan.part(partNumber)
    const { engine, slots, digests } = this.#options
    const whole = this.#isWhole(plan)
    if (!whole) this.#hash.advanceTo(plaintextOffset + plaintextLength)
    const from = {
      source: this.#source,
      plaintextOffset,
      plaintextLength,
      header: header.bytes.subarray(0, headerLength),
      dataKey: header.dataKey,
      engine,
      slots,
    }
    if (size > slots.size) return { ...streamedPart(size, from), release: () => undefined }
    const slot = await slots.take()
    const release = (): void => {
      slots.giveBack(slot)
    }
    try {
      slot.bytes.set(from.header)
      const { length, sha256, plaintext } = await engine.run({
        kind: 'seal-to-memory',
        dataKey: header.dataKey,
        fd: this.#source.fd,
        plaintextOffset,
        plaintextLength,
        slot: slot.shared,
        slotOffset: headerLength,
        digests: whole ? digests : undefined,
      })
      // Checked with every part, so before the last one: what changed is never completed.
      await this.#source.refuseIfChanged()
      const body = Buffer.from(slot.shared, 0, length)
      const etagProbe = this.#probe(body)
      if (plaintext !== undefined) await this.#beforeWhole(plaintext, body.length, etagProbe)
      return { body, sha256, etagProbe, release }
    } catch (error) {
      release()
      throw error
    }
  }

  /** On disk before the object is sent: a later run finds by the ETag that it was. */
  async #beforeWhole(plaintext: PlaintextDigests, size: number, etag: string | undefined): Promise<void> {
    this.#wholeDigests = plaintext
    if (etag === undefined) return
    const { sha256, md5 } = plaintext
    await writtenDown(this.#options.journal, {
      type: 'sending',
      objectKey: this.#target.objectKey,
      path: this.#source.absolutePath,
      source: this.#source.identity,
      size,
      etag,
      versionId: null,
      sha256,
      md5: md5 ?? null,
    })
  }

  /** MD5 is slow: one part tells whether this store's ETags are MD5s, and then the finished object's ETag is known. */
  #probe(body: Uint8Array): string | undefined {
    if (this.#probed) return undefined
    this.#probed = true
    return createHash('md5').update(body).digest('hex')
  }
}
