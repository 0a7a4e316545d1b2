import { AppError } from '../util/errors.ts'
import type { Connection } from './connect.ts'
import { revokeAccess, StillAccessibleError, type RevokeRequest, type RevokeResult } from './revoke-access.ts'
import { writeReport, type ReportPlace, type WrittenReport } from './revoke-report.ts'

/** A revocation and the files that tell of it: the --json contract of `access revoke`. */
export interface ReportedRevoke extends RevokeResult {
  report?: WrittenReport
}

/**
 * Revokes and writes the report, if one is wanted: that of a failure too, with the ways in that remain. Throws as
 * {@link revokeAccess}; SIGNING_FAILED and FILE_UNREADABLE when it is done and cannot be reported.
 *
 * @param onRevoked - awaited when the project is shut out, before anything is written about it
 */
export async function reportRevoke(
  { store, endpoint }: Pick<Connection, 'store' | 'endpoint'>,
  request: RevokeRequest,
  place: ReportPlace | undefined,
  onRevoked: (result: RevokeResult) => Promise<void>,
  signal?: AbortSignal,
): Promise<ReportedRevoke> {
  let result: RevokeResult
  try {
    result = await revokeAccess(store, request, signal)
  } catch (error) {
    if (place === undefined || !isStillAccessible(error)) throw error
    throw await withReport(error, place, endpoint)
  }
  await onRevoked(result)
  return place === undefined ? result : { ...result, report: await writeReport(place, endpoint, result) }
}

/** That somebody can still get in matters more than a report that can't be written. */
async function withReport(
  error: StillAccessibleError<RevokeResult>,
  place: ReportPlace,
  endpoint: string,
): Promise<StillAccessibleError<RevokeResult>> {
  try {
    await writeReport(place, endpoint, error.result)
    return error
  } catch (failure) {
    if (!(failure instanceof AppError)) throw failure
    return new StillAccessibleError(error.message, error.result, [`no report: ${failure.message}`])
  }
}

/** Of a revocation: `bucket close` fails in the same way, with another result. */
function isStillAccessible(error: unknown): error is StillAccessibleError<RevokeResult> {
  return error instanceof StillAccessibleError && 'identity' in error.result
}
