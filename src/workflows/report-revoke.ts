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
 */
export async function reportRevoke(
  { store, endpoint }: Pick<Connection, 'store' | 'endpoint'>,
  request: RevokeRequest,
  place: ReportPlace | undefined,
  signal?: AbortSignal,
): Promise<ReportedRevoke> {
  let result: RevokeResult
  try {
    result = await revokeAccess(store, request, signal)
  } catch (error) {
    if (place !== undefined && isStillAccessible(error)) await writeReport(place, endpoint, error.result)
    throw error
  }
  return place === undefined ? result : { ...result, report: await writeReport(place, endpoint, result) }
}

/** Of a revocation: `bucket close` fails in the same way, with another result. */
function isStillAccessible(error: unknown): error is StillAccessibleError<RevokeResult> {
  return error instanceof StillAccessibleError && 'identity' in error.result
}
