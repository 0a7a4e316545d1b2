import { ENCRYPTED_SEGMENT_SIZE } from '../../crypto/crypt4gh/format.ts'
import type { ObjectHead, ObjectName, ObjectTags } from '../../storage/object-store.ts'
import { seenAbsent } from '../../storage/seen-absent.ts'
import type { Store } from '../../storage/store.ts'
import { concatBytes } from '../../util/bytes.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { seenGrantsOf, tagsOf, type Belongings } from '../copies/carry-along.ts'
import { copyInParts, type BeforeCompleting, type PartedCopy } from '../copies/copy-in-parts.ts'
import { isNoServerCopy } from '../copies/part-sender.ts'
import { changedMeanwhile, refuseIfChanged } from '../copies/same-object.ts'
import { finishRekey, outcomeOf, writeDownRekey, type Outcome } from './finish-rekey.ts'
import { SegmentWitness } from './object-beginning.ts'
import type { ObjectRekey, RekeyedObject, RekeyObjectOptions } from './rekeyed-object.ts'
import { checkSeams, sourceSeams, type Seam } from './seam-check.ts'
import { passingPlan, type SplicePlan, type SpliceSizes } from './splice-plan.ts'
import { wrongCopy } from './unchecked-copy.ts'

/**
 * Puts a new header before a body that the server copies: part 1 is sent, with the header and the first segments, and all
 * others are ranges of the source (UploadPartCopy). Where the server copies none for us they pass through this machine as
 * they are stored, every segment authenticated on the way. The object stays as it is until the last request replaces it.
 *
 * @throws AppError OBJECT_CHANGED when the source changed on the way: nothing was replaced; INTEGRITY when the copy is not
 * what it should be; OBJECT_EXISTS, AUTHENTICATION_FAILED; StorageError
 */
export async function rekeyInPlace(
  rekey: ObjectRekey,
  plan: SplicePlan,
  options: RekeyObjectOptions,
): Promise<RekeyedObject> {
  const { store, source, target, inPlace, beginning } = rekey
  const { force, signal } = options
  if (!inPlace && !force) await seenAbsent(store, target, { signal })
  const tags = await tagsOf(store, source, beginning.head, signal)
  try {
    return await splice(rekey, plan, tags, 'copied', options)
  } catch (error) {
    if (!isNoServerCopy(error)) throw error
    const passing = passingPlan(sizesOf(rekey), options.partSize) ?? plan
    return splice(rekey, passing, tags, 'streamed', options)
  }
}

/** The lengths that decide how an object is cut. */
export function sizesOf({ beginning, changed }: Pick<ObjectRekey, 'beginning' | 'changed'>): SpliceSizes {
  const { header, head } = beginning
  return { headerBefore: header.length, headerAfter: changed.bytes.length, size: head.size }
}

async function splice(
  rekey: ObjectRekey,
  plan: SplicePlan,
  tags: ObjectTags,
  way: 'copied' | 'streamed',
  options: RekeyObjectOptions,
): Promise<RekeyedObject> {
  const { store, source, target, beginning, changed, opened, traffic } = rekey
  const { records, onBytes, signal } = options
  const { head, header } = beginning
  const { bodyLength, replaces, partSize } = plan
  const first = concatBytes([
    changed.bytes,
    beginning.bytes.subarray(header.length, header.length + bodyLength),
  ])
  traffic.sent += first.length
  const copy: PartedCopy = {
    source,
    target,
    before: head,
    acl: 'bucket-owner-full-control',
    beginning: { bytes: first, replaces },
  }
  const size = head.size - header.length + changed.bytes.length
  // Filled just before the new object takes its place: as late as can be, so that what somebody revoked stays revoked.
  const belongings: Belongings = { tags, grants: [] }
  let areGrantsUnknown = false
  let seams: Seam[] = []
  const outcome = (etag: string | undefined, parts: number): Outcome => {
    const comparedBy = etag === undefined ? 'size' : 'parts'
    return outcomeOf(rekey, { way, parts, comparedBy, ...(areGrantsUnknown ? { grants: 'unknown' } : {}) })
  }
  const beforeCompleting: BeforeCompleting = async (etag, parts, copyPlan) => {
    if (way === 'copied') {
      seams = await sourceSeams({ store, name: source, version: head, traffic, signal }, copyPlan)
    }
    const grants = await seenGrantsOf(store, source, signal)
    belongings.grants = grants ?? []
    areGrantsUnknown = grants === undefined
    await writeDownRekey(rekey, { size, etag, seams }, belongings, outcome(etag, parts), options)
    if (!rekey.inPlace && !options.force) await seenAbsent(store, target, { signal })
    await refuseIfChanged(store, source, head, signal)
  }
  const witness = new SegmentWitness(opened.dataKeys)
  const onPassing = (bytes: Uint8Array, offset: number): void => {
    const isEnd = offset + bytes.length === head.size
    witness.authenticate(bytes, (offset - header.length) / ENCRYPTED_SEGMENT_SIZE, isEnd)
    traffic.received += bytes.length
    traffic.sent += bytes.length
  }
  try {
    const throughHere = way === 'streamed'
    const partOptions = { records, partSize, onBytes, signal, throughHere, onPassing }
    const placed = await copyInParts(store, copy, beforeCompleting, partOptions)

    // The new object is there. What is left is short, and an interrupt waits for it: no signal from here on.
    const after = await store.headObject(target.bucket, target.objectKey)
    checkPlaced(rekey, after, size, placed)
    await checkCopied(rekey, seams, after, placed.versionId, options)
    const before = head.versionId ?? 'null'
    const done = outcome(placed.etag, placed.parts)
    if (seams.length > 0) await writeDownRekey(rekey, { size, etag: placed.etag }, belongings, done, options)
    const left = { store, source, target, before, belongings, outcome: done }
    return await finishRekey(left, { ...after, versionId: placed.versionId ?? after.versionId }, options)
  } finally {
    witness.wipe()
  }
}

function checkPlaced(
  { target }: ObjectRekey,
  after: ObjectHead,
  size: number,
  placed: { etag: string | undefined; parts: number },
): void {
  if (after.size === size && (placed.etag === undefined || after.etag === placed.etag)) return
  // Another writer's object, unless it was joined from as many parts.
  if (after.size !== size || !after.etag.endsWith(`-${placed.parts}`)) throw changedMeanwhile(target)
  throw new AppError('INTEGRITY', `s3://${target.bucket}/${target.objectKey} has ETag ${after.etag}`, {
    hints: [`its parts give ${placed.etag ?? 'none'}; where versions are kept the one before it is whole`],
  })
}

/** Looks at the seams. A wrong object is deleted again where that brings the one before it back. */
async function checkCopied(
  { store, target, inPlace, beginning, changed, opened, traffic }: ObjectRekey,
  seams: readonly Seam[],
  after: ObjectHead,
  versionId: string | undefined,
  { versioned }: RekeyObjectOptions,
): Promise<void> {
  if (seams.length === 0) return
  const headers = { after: changed.bytes, before: beginning.header.length }
  try {
    await checkSeams({ store, name: target, version: after, traffic }, seams, headers, opened.dataKeys)
  } catch (error) {
    if (!hasCode(error, 'INTEGRITY')) throw error
    const keepsVersions = versioned || beginning.head.versionId !== undefined
    const isKept = keepsVersions && inPlace && versionId !== undefined && versionId !== 'null'
    throw wrongCopy(error, isKept && (await isDeleted(store, target, versionId)))
  }
}

/** False where we may not delete versions: that the copy is wrong must be told all the same. */
async function isDeleted(
  store: Store,
  { bucket, objectKey }: ObjectName,
  versionId: string,
): Promise<boolean> {
  try {
    await store.deleteVersion(bucket, objectKey, versionId)
    return true
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED')) return false
    throw error
  }
}
