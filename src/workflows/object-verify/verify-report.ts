import { ObjectReport } from '../object-report.ts'
import type { FailedTransfer } from '../transfer-run.ts'
import type { VerifiedObject } from './verdict.ts'
import type { VerifyObjectsResult } from './verify-request.ts'

/** What stands for an object that could not be read to its end. */
type UnreadObject = { objectKey: string; outcome: 'failed' } & Pick<FailedTransfer, 'code' | 'message'>

/** What was found out about each object of a run, and the totals behind them. */
export type VerifyReport = ObjectReport<
  VerifiedObject | UnreadObject,
  Omit<VerifyObjectsResult, 'objects' | 'failed' | 'place' | 'report'>
>

/** @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, DISK_FULL: before anything is read */
export function startVerifyReport(path: string, place: string): Promise<VerifyReport> {
  const head = { format: 'sealift-verify-report', version: 1, place }
  return ObjectReport.start(path, head)
}
