import type { ObjectStore } from '../storage/object-store.ts'
import {
  planTransfer,
  type TransferPair,
  type TransferPlan,
  type TransferPlanRequest,
} from './transfer-plan.ts'
import { measureFetching, measureSealing, rememberedRate, type KnownRate } from './transfer-rate.ts'

export interface PlanReportRequest extends Omit<TransferPlanRequest, 'rate' | 'now'> {
  /** The server, by which rates are remembered. */
  endpoint: string
  /** Where rates are remembered. */
  ratesFile: string
  /** Name every file and its object in the result. */
  listPairs: boolean
  /** Of a download, to fetch the start of an object when no rate is remembered. */
  from?: { store: ObjectStore; bucket: string } | undefined
  signal?: AbortSignal | undefined
}

/**
 * Plans a transfer without sending anything: sizes from the files, the rate from earlier transfers or measured now.
 *
 * @throws AppError what planTransfer, measureSealing and measureFetching throw
 */
export async function planReport(request: PlanReportRequest): Promise<TransferPlan> {
  const rate =
    (await rememberedRate(request.ratesFile, request.endpoint, request.direction)) ?? (await measure(request))
  const plan = planTransfer({ ...request, rate, now: new Date() })
  return request.listPairs ? { ...plan, pairs: request.pairs } : plan
}

/** Tries the largest file: a small one tells nothing. */
async function measure(request: PlanReportRequest): Promise<KnownRate | undefined> {
  const { direction, pairs, from, signal } = request
  const largest = pairs.reduce<TransferPair | undefined>(
    (most, pair) => (most === undefined || pair.size > most.size ? pair : most),
    undefined,
  )
  if (largest === undefined) return undefined
  if (direction === 'upload') return measureSealing(largest.source, signal)
  if (from === undefined) return undefined
  const objectKey = largest.source.slice(`s3://${from.bucket}/`.length)
  return measureFetching(from.store, { bucket: from.bucket, objectKey, size: largest.size }, signal)
}
