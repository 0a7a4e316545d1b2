import { AppError } from '../util/errors.ts'
import type { Connection } from './connect.ts'
import { folderTar } from './folder-tar.ts'
import { planReport } from './plan-report.ts'
import type { TransferPlan } from './transfer-plan.ts'
import { rememberRate } from './transfer-rate.ts'
import { upload } from './upload.ts'
import { DEFAULT_CONCURRENCY, type UploadRequest, type UploadResult } from './upload-request.ts'
import { listUploadSources } from './upload-sources.ts'
import { uploadStream } from './upload-stream.ts'

export interface DeliverRequest extends Omit<UploadRequest, 'store'> {
  connection: Connection
  /** What `-` stands for among the sources. */
  stdin: () => AsyncIterable<Uint8Array>
  /** One object of all sources: a tar archive. */
  tar: boolean
  /** Only look: the plan, or the plan with every file. */
  look?: 'plan' | 'dry-run' | undefined
  /** Where it is remembered how fast transfers were. */
  ratesFile: string
  /** Bytes that stdin will about bring. */
  expectedSize?: number | undefined
}

/**
 * What `upload` does: files and folders to an object each, stdin or an archive to one object, or only a plan.
 *
 * @throws AppError USAGE for what does not go together; what upload, uploadStream, folderTar and planReport throw
 */
export async function deliver(request: DeliverRequest): Promise<UploadResult | TransferPlan> {
  const fromStdin = request.sources.includes('-')
  if (fromStdin && (request.sources.length > 1 || request.tar)) {
    throw new AppError('USAGE', '- for stdin is the only source, or none')
  }
  if (fromStdin && request.sourceOptions?.filesFrom !== undefined) {
    throw new AppError('USAGE', '- for stdin does not go with a list of files')
  }
  if (request.look !== undefined) return planned(request, fromStdin)
  if (fromStdin) return streamed(request, '-', request.stdin(), request.expectedSize)
  if (request.tar) {
    const archive = await folderTar(request.sources, request.sourceOptions)
    // The first bytes of an archive are a file's name, and that may be any.
    const name = request.sources.join(' ')
    return streamed({ ...request, encryptAgain: true }, name, archive.plaintext, archive.size)
  }
  const { connection, ratesFile } = request
  const result = await upload({ ...request, store: connection.store })
  await remember(request, result.bytes - result.foundBytes, result.seconds, ratesFile)
  return result
}

async function planned(request: DeliverRequest, fromStdin: boolean): Promise<TransferPlan> {
  if (fromStdin || request.tar) {
    throw new AppError('USAGE', 'a plan is made of files: leave out - and --tar')
  }
  const { connection, bucket, target, signal, recipients, partSize, threads } = request
  const sources = await listUploadSources(request.sources, target, request.sourceOptions)
  return planReport({
    direction: 'upload',
    pairs: sources.map(({ path, objectKey, size }) => ({
      source: path,
      target: `s3://${bucket}/${objectKey}`,
      size,
    })),
    endpoint: connection.endpoint,
    ratesFile: request.ratesFile,
    listPairs: request.look === 'dry-run',
    recipientCount: recipients.length,
    partSize,
    concurrency: request.concurrency ?? DEFAULT_CONCURRENCY,
    threads,
    memory: request.memory,
    credentialsExpire: await connection.credentialsExpireAt(),
    signal,
  })
}

async function streamed(
  request: DeliverRequest,
  name: string,
  plaintext: AsyncIterable<Uint8Array>,
  expectedSize: number | undefined,
): Promise<UploadResult> {
  const started = performance.now()
  const { connection, target, bucket, recipients } = request
  const object = await uploadStream({
    ...request,
    store: connection.store,
    plaintext,
    name,
    objectKey: target,
    expectedSize,
  })
  const seconds = (performance.now() - started) / 1000
  await remember(request, object.plaintextSize, seconds, request.ratesFile)
  return {
    bucket,
    objects: [object],
    failed: [],
    recipients: recipients.map(({ name, fingerprint }) => ({ name, fingerprint })),
    bytes: object.plaintextSize,
    foundBytes: 0,
    seconds,
  }
}

async function remember(
  { connection }: DeliverRequest,
  bytes: number,
  seconds: number,
  ratesFile: string,
): Promise<void> {
  await rememberRate(ratesFile, { endpoint: connection.endpoint, direction: 'upload', bytes, seconds })
}
