import type { KeptVersions } from '../delete-versions.ts'
import type { TransferProgress } from '../transfer-progress.ts'
import type { FailedTransfer } from '../transfer-run.ts'
import type { Choice, LeftOut } from './chosen-objects.ts'
import type { VersionKeeping } from './version-keeping.ts'

export interface RemoveObjectsRequest extends Choice {
  /** Whether all below a prefix is meant; has to be said. */
  recursive: boolean
  /** For good: every version and delete marker, or all but what a listing shows. */
  versions?: 'all' | 'older' | undefined
  /** Only tell what would be deleted. */
  dryRun?: boolean | undefined
  /** Objects at work at the same time; 16 when absent. */
  concurrency?: number | undefined
  /** Asked once, with what was counted, before anything is deleted; what it throws ends the run. */
  confirm?: ((counted: KeptVersions) => Promise<void>) | undefined
  /** Told of each object or version that was deleted; with `dryRun`, of each that would be. */
  onRemoved?: ((removed: RemovedEntry) => void) | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
}

/** One object or version: part of the --json contract. */
export interface RemovedEntry {
  objectKey: string
  /** Bytes; 0 for a delete marker. */
  size: number
  /** With `versions`: which one it is. */
  versionId?: string
  kind?: 'object' | 'delete-marker'
}

/** What `rm` did: the --json contract, without the objects themselves. */
export interface RemoveObjectsResult {
  place: string
  dryRun: boolean
  versions: 'newest' | 'all' | 'older'
  /** What was deleted, or would be; `bytes` without --versions are those of the objects. */
  removed: KeptVersions
  leftOut: LeftOut
  /** Whether what was deleted stays as an older version; `none` with --versions. */
  olderVersions: VersionKeeping
  /** What the bucket still keeps of what was meant, where that was counted. */
  kept?: KeptVersions
  failed: FailedTransfer[]
  /** All failures; `failed` names the first thousand. */
  failedCount: number
}
