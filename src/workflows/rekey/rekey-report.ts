import { ObjectReport } from '../object-report.ts'
import type { FailedTransfer } from '../transfer-run.ts'
import type { DeepRekeyedObject } from './deep-finish.ts'
import type { PlannedRekey } from './planned-rekey.ts'
import type { RekeyedObject } from './rekey-object.ts'
import type { RekeyObjectsResult, RekeySkipped } from './rekey-request.ts'

/** What became of one object: a line of the report. */
type RekeyReportEntry =
  | ({ outcome: 'rekeyed' } & (RekeyedObject | DeepRekeyedObject))
  | ({ outcome: 'planned' } & PlannedRekey)
  | { outcome: 'skipped'; objectKey: string; why: keyof RekeySkipped }
  | ({ outcome: 'failed'; objectKey: string } & Pick<FailedTransfer, 'code' | 'message'>)

/** What stands before the objects. */
export type RekeyReportHead = { endpoint: string | undefined } & Pick<
  RekeyObjectsResult,
  'place' | 'into' | 'deep' | 'dryRun' | 'added' | 'removed' | 'exactly'
>

/** What stands behind the objects. */
type RekeyReportEnd = Pick<RekeyObjectsResult, 'versioned' | 'skipped' | 'totals' | 'seconds'>

/** What became of each object of a run. */
export type RekeyReport = ObjectReport<RekeyReportEntry, RekeyReportEnd>

/** @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, DISK_FULL: before anything is changed */
export function startRekeyReport(path: string, head: RekeyReportHead): Promise<RekeyReport> {
  const fields = { format: 'sealift-rekey-report', version: 1, ...head }
  return ObjectReport.start(path, fields)
}
