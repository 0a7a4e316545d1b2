import type { Connection } from './connect.ts'
import { download } from './download.ts'
import type { DownloadRequest, DownloadResult } from './download-request.ts'
import { downloadSizes } from './download-sizes.ts'
import { findDownloads } from './find-downloads.ts'
import { planReport } from './plan-report.ts'
import { formatS3Url } from './s3-url.ts'
import type { TransferPlan } from './transfer-plan.ts'
import { rememberRate } from './transfer-rate.ts'

export interface ReceiveRequest extends Omit<DownloadRequest, 'store'> {
  connection: Connection
  /** Only say what it will take. */
  plan: boolean
  /** Where it is remembered how fast transfers were. */
  ratesFile: string
}

/**
 * What `download` does: fetches objects and remembers how fast they came, or only plans it.
 *
 * @throws AppError what download and planReport throw
 */
export async function receive(request: ReceiveRequest): Promise<DownloadResult | TransferPlan> {
  if (request.plan) return planned(request)
  const { store, endpoint } = request.connection
  const result = await download({ ...request, store })
  const { bytes, seconds } = result
  await rememberRate(request.ratesFile, { endpoint, direction: 'download', bytes, seconds })
  return result
}

/**
 * Lists the objects, and fetches the start of the largest one when no rate is remembered. Objects whose keys name no
 * file below the folder are not part of a plan; a dry run names them.
 */
async function planned(request: ReceiveRequest): Promise<TransferPlan> {
  const { connection, bucket, decrypt, threads, memory, rangeSize, signal } = request
  const { store, endpoint } = connection
  const { targets, pathOf } = await findDownloads({ ...request, store })
  return planReport({
    direction: 'download',
    pairs: targets.map((target) => ({
      source: formatS3Url(bucket, target.objectKey),
      target: pathOf(target),
      size: target.size,
    })),
    endpoint,
    ratesFile: request.ratesFile,
    listPairs: false,
    concurrency: downloadSizes(request).concurrency,
    memory,
    rangeSize,
    threads,
    decrypt,
    from: { store, bucket },
    credentialsExpire: await connection.credentialsExpireAt(),
    signal,
  })
}
