import type { ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { inObject } from '../../transfer/object-header.ts'
import { finishEarlierRekey } from './earlier-rekey.ts'
import { requestName } from './finish-rekey.ts'
import { fetchBeginning } from './object-beginning.ts'
import { openBeginning } from './open-beginning.ts'
import { changedHeader, type ReaderChange } from './reader-change.ts'
import { rekeyInPlace, sizesOf } from './rekey-in-place.ts'
import type { RekeyedObject, RekeyObjectOptions } from './rekeyed-object.ts'
import { rewriteWhole } from './rewrite-whole.ts'
import { splicePlan } from './splice-plan.ts'

export type { RekeyedObject, RekeyObjectOptions } from './rekeyed-object.ts'

/**
 * Gives an object other readers: its header is sealed anew, and its body stays as it is, copied by the server. At every
 * moment the old or the new object is whole under the name. Headers, tags and ACL grants come along. What is fetched of
 * the body is authenticated, and so is every place where two parts of the new object meet.
 *
 * A run that was stopped is gone on with, where `records` are kept; a small object that was rewritten just before is then
 * given its new readers once more.
 *
 * @throws AppError what {@link changedHeader} throws; NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, AUTHENTICATION_FAILED
 * for an object that can't be opened or is damaged; OBJECT_EXISTS for another target without `force`; OBJECT_CHANGED when
 * somebody wrote to it meanwhile, and nothing was replaced; INTEGRITY; StorageError
 */
export async function rekeyObject(
  store: Store,
  place: { source: ObjectName; target: ObjectName },
  change: ReaderChange,
  options: RekeyObjectOptions,
): Promise<RekeyedObject> {
  const { source, target } = place
  const request = requestName(source, change, options)
  const asked = { request, identities: change.identities }
  const finished = await finishEarlierRekey(store, place, asked, options)
  if (finished !== undefined) return finished
  const beginning = await fetchBeginning(store, source, options.signal)
  const traffic = { sent: 0, received: beginning.bytes.length }
  const begun = { store, name: source, beginning, traffic, signal: options.signal }
  const opened = await openBeginning(begun, change.identities)
  try {
    const changed = await changedHeader(beginning.header, opened, change)
    const inPlace = source.bucket === target.bucket && source.objectKey === target.objectKey
    const rekey = { store, source, target, inPlace, beginning, opened, changed, request, traffic }
    const plan = splicePlan(sizesOf(rekey), options.partSize)
    return plan === undefined ? await rewriteWhole(rekey, options) : await rekeyInPlace(rekey, plan, options)
  } catch (error) {
    throw inObject(error, source)
  } finally {
    for (const dataKey of opened.dataKeys) dataKey.fill(0)
  }
}
