import type { Store } from '../storage/store.ts'
import { runCopies, type CopyRequest, type CopyRunResult } from './many-objects/copy-run.ts'

export { parseCopyPlaces } from './many-objects/copy-names.ts'
export type { CopiedEntry } from './many-objects/copy-run.ts'

/** What `cp` did: the --json contract, without the objects themselves. */
export type CopyObjectsResult = CopyRunResult

/**
 * Copies objects within the store, on the server: one, or all below a prefix. Metadata, tags and grants come along; nothing
 * else that is under a copy's name is replaced without `force`. May be stopped and given again: copies that are there
 * already, provably, are not made again. One that fails does not stop the others.
 *
 * @throws AppError USAGE for impossible places, OBJECT_NOT_FOUND; the first failure, when no object could be copied; the
 * signal's reason
 */
export async function copyObjects(
  store: Store,
  request: CopyRequest,
  signal?: AbortSignal,
): Promise<CopyObjectsResult> {
  const goOn = 'run the same command again: it goes on with what is not there yet'
  return runCopies(store, request, { goOn, guardsSource: false, signal })
}
