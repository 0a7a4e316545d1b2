import type { Store } from '../storage/store.ts'
import { runCopies, type CopyRequest, type CopyRunResult } from './many-objects/copy-run.ts'
import { removeSource } from './many-objects/remove-source.ts'
import { versionKeeping, type VersionKeeping } from './many-objects/version-keeping.ts'

/** What `mv` did: the --json contract, without the objects themselves. */
export interface MoveObjectsResult extends CopyRunResult {
  /** Whether what was moved stays in the bucket it was moved out of, as older versions. */
  olderVersions: VersionKeeping
}

/**
 * Moves objects within the store: each is copied on the server and checked, and then its source is deleted, if both are
 * still what they were. At every moment the object is at its source, or at both places. May be stopped and given again: a source
 * whose copy is there already, provably, is deleted without copying it again.
 *
 * @throws AppError as copyObjects
 */
export async function moveObjects(
  store: Store,
  request: CopyRequest,
  signal?: AbortSignal,
): Promise<MoveObjectsResult> {
  const olderVersions = await versionKeeping(store, request.source.bucket, signal)
  const keepsVersions = olderVersions !== 'none'
  const result = await runCopies(store, request, {
    goOn: 'run the same command again: it goes on with what is still at the source',
    guardsSource: true,
    afterCopy: (copied) => removeSource(store, copied, { keepsVersions, signal }),
    signal,
  })
  return { ...result, olderVersions }
}
