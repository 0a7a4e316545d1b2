import { newDataKey } from '../crypto/crypt4gh/segment.ts'
import { sealHeader } from '../crypto/crypt4gh/seal-header.ts'
import { sealedHeaderSize } from '../crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { ObjectName, ObjectStore } from '../storage/object-store.ts'
import { uploadObject, type PreparedPart, type UploadResult } from '../storage/multipart-upload.ts'
import { planParts, type PartPlan } from './part-plan.ts'
import type { SegmentEngine } from './segment-engine.ts'
import type { SlotPool } from './slot-pool.ts'
import type { SourceFile } from './source-file.ts'

export interface SealAndUploadOptions {
  store: ObjectStore
  engine: SegmentEngine
  /** Buffers of at least the plan's largest part, shared by all uploads of a run. */
  slots: SlotPool
  /** Parts in flight for this object. */
  concurrency: number
  /** Bytes aimed at per part. */
  partSize?: number | undefined
  /** An own key pair as the sender; an ephemeral one when absent. */
  sender?: KeyPair | undefined
  /** Replace an object that has the key. */
  replace: boolean
  /** Bytes of the object that the store has, each time some more are. */
  onBytes?: ((count: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** The plan for a file and its recipients: the same arithmetic before and during an upload. */
export function planUpload(plaintextSize: number, recipientCount: number, partSize?: number): PartPlan {
  return planParts(plaintextSize, sealedHeaderSize(recipientCount), partSize)
}

/**
 * Seals a file for its recipients on the way to the store, under a fresh data key that never leaves this process.
 * Only sealed bytes are handed to the store; each part is signed by its SHA-256, so that the server refuses any other.
 *
 * @param recipients - public keys, distinct
 * @throws AppError FILE_CHANGED when the source changed meanwhile (nothing is completed), UNSUPPORTED when it is too large;
 * what uploadObject throws
 */
export async function sealAndUpload(
  source: SourceFile,
  target: ObjectName,
  recipients: readonly Uint8Array[],
  options: SealAndUploadOptions,
): Promise<UploadResult> {
  const plan = planUpload(source.size, recipients.length, options.partSize)
  const dataKey = newDataKey()
  try {
    const header = await sealHeader({ dataKeys: [dataKey] }, recipients, options.sender)
    return await uploadObject(
      options.store,
      target,
      {
        size: plan.objectSize,
        partCount: plan.partCount,
        prepare: (partNumber) => sealPart(source, plan, partNumber, header, dataKey, options),
      },
      {
        concurrency: options.concurrency,
        acl: 'bucket-owner-full-control',
        contentType: 'application/octet-stream',
        ifAbsent: !options.replace,
        onPartStored: (_partNumber, bytes) => options.onBytes?.(bytes),
        signal: options.signal,
      },
    )
  } finally {
    dataKey.fill(0)
  }
}

async function sealPart(
  source: SourceFile,
  plan: PartPlan,
  partNumber: number,
  header: Uint8Array,
  dataKey: Uint8Array,
  options: SealAndUploadOptions,
): Promise<PreparedPart> {
  const { plaintextOffset, plaintextLength, headerLength } = plan.part(partNumber)
  const slot = await options.slots.take()
  const release = (): void => {
    options.slots.giveBack(slot)
  }
  try {
    slot.bytes.set(header.subarray(0, headerLength))
    const { length, sha256 } = await options.engine.run({
      kind: 'seal-to-memory',
      dataKey,
      fd: source.fd,
      plaintextOffset,
      plaintextLength,
      slot: slot.shared,
      slotOffset: headerLength,
    })
    // Checked with every part, so before the last one: what changed is never completed.
    await source.refuseIfChanged()
    return { body: Buffer.from(slot.shared, 0, length), sha256, release }
  } catch (error) {
    release()
    throw error
  }
}
