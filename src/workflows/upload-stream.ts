import { encryptedBodySize, sealedHeaderSize } from '../crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { sealStreamAndUpload } from '../transfer/seal-stream-and-upload.ts'
import { startSegmentEngine, threadsFor, type SegmentEngine } from '../transfer/segment-engine.ts'
import { AppError, hasCode } from '../util/errors.ts'
import type { Recipient } from './recipients.ts'
import { plaintextOnly } from './refuse-encrypted.ts'
import type { TransferEvent } from './transfer-event.ts'
import type { TransferProgress } from './transfer-progress.ts'
import { DEFAULT_CONCURRENCY, type UploadedObject } from './upload-request.ts'

export interface StreamUploadRequest {
  store: ObjectStore
  plaintext: AsyncIterable<Uint8Array>
  /** What the result and messages call the stream: `-`, or the folder of an archive. */
  name: string
  bucket: string
  objectKey: string
  /** Who will be able to open the object: at least one. */
  recipients: readonly Recipient[]
  /** An own key pair as the sender; an ephemeral one when absent. */
  sender?: KeyPair | undefined
  /** Replace an object that exists. */
  force: boolean
  /** Encrypt what is a Crypt4GH file already once more. */
  encryptAgain?: boolean | undefined
  /** Record the plaintext's MD5 as well as its SHA-256. */
  md5?: boolean | undefined
  /** Read everything back and check it. */
  verify?: boolean | undefined
  /** Bytes that will probably come. */
  expectedSize?: number | undefined
  /** Bytes aimed at for the first parts. */
  partSize?: number | undefined
  concurrency?: number | undefined
  /** Bytes that the buffers may take; as many as the parts need when absent. */
  memory?: number | undefined
  /** Worker threads for the cipher. */
  threads?: number | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
  onEvent?: ((event: TransferEvent) => void) | undefined
  signal?: AbortSignal | undefined
}

/** While one part is sealed another is read: more threads would have nothing to do. */
const MAX_THREADS = 2

/**
 * Seals a stream for its recipients and uploads it as one object. It can't be gone on with after a failure, because a
 * stream can't be read twice: nothing of the upload stays.
 *
 * @throws AppError USAGE without recipients or with a target that is a folder; ALREADY_ENCRYPTED; INTERRUPTED or TERMINATED
 * when it was stopped; what sealStreamAndUpload throws
 */
export async function uploadStream(request: StreamUploadRequest): Promise<UploadedObject> {
  const { bucket, objectKey, name, expectedSize, onEvent } = request
  checkRequest(request)
  const started = performance.now()
  const target = `s3://${bucket}/${objectKey}`
  onEvent?.({ event: 'started', direction: 'upload', target, totalFiles: 1, totalBytes: expectedSize })
  const finished = (bytes: number, failedFiles: 0 | 1, code?: string): void => {
    const seconds = (performance.now() - started) / 1000
    onEvent?.({ event: 'finished', bytes, files: 1 - failedFiles, failedFiles, seconds, code })
  }
  const size = expectedSize ?? Infinity
  const engine = startSegmentEngine(size, request.threads ?? Math.min(MAX_THREADS, threadsFor(size)))
  try {
    const object = await sealAndSend(request, engine)
    const { plaintextSize, objectSize: bytes, etag, versionId, sha256, md5 } = object
    onEvent?.({ event: 'object', objectKey, path: name, bytes, etag, versionId, sha256, md5 })
    finished(plaintextSize, 0)
    return object
  } catch (error) {
    finished(0, 1, error instanceof AppError ? error.code : 'INTERNAL')
    throw error
  } finally {
    await engine.close()
  }
}

function checkRequest({ recipients, bucket, objectKey, name }: StreamUploadRequest): void {
  if (recipients.length === 0) {
    throw new AppError('USAGE', 'nobody was named who could open the data', {
      hints: ['name the recipients with --to FILE, --to @csc-sd or --to-bucket-keys'],
    })
  }
  if (objectKey === '' || objectKey.endsWith('/')) {
    throw new AppError(
      'USAGE',
      `s3://${bucket}/${objectKey} does not name an object that ${name} could become`,
      {
        hints: ['write the object key out, such as s3://BUCKET/run_12.tar.c4gh'],
      },
    )
  }
}

async function sealAndSend(request: StreamUploadRequest, engine: SegmentEngine): Promise<UploadedObject> {
  const { plaintext, name, bucket, objectKey } = request
  const stop = new AbortController()
  const { signal } = request
  const stopped = (): void => {
    stop.abort(asLost(signal?.reason))
  }
  if (signal?.aborted === true) stopped()
  signal?.addEventListener('abort', stopped, { once: true })
  try {
    const stored = await sealStreamAndUpload(
      request.encryptAgain === true ? plaintext : plaintextOnly(plaintext, name),
      { bucket, objectKey },
      request.recipients.map(({ publicKey }) => publicKey),
      {
        store: request.store,
        engine,
        concurrency: request.concurrency ?? DEFAULT_CONCURRENCY,
        partSize: request.partSize,
        expectedSize: request.expectedSize,
        memory: request.memory,
        sender: request.sender,
        replace: request.force,
        md5: request.md5,
        verify: request.verify,
        onPart: reportTo(request),
        signal: stop.signal,
      },
    )
    return {
      source: name,
      objectKey,
      plaintextSize: stored.plaintextSize,
      objectSize: stored.size,
      parts: stored.partCount,
      etag: stored.etag,
      versionId: stored.versionId,
      sha256: stored.sha256,
      md5: stored.md5,
      sizeCheckedBy: stored.sizeCheckedBy,
      overwriteChecked: stored.overwriteChecked,
      foundBytes: 0,
      dataKeyCount: 1,
      verified: stored.verified,
    }
  } finally {
    signal?.removeEventListener('abort', stopped)
  }
}

/** The total is what was expected, or what is there already when that is more. */
function reportTo({
  name,
  objectKey,
  recipients,
  expectedSize = 0,
  onProgress,
  onEvent,
}: StreamUploadRequest): (part: { partNumber: number; size: number; etag: string }) => void {
  const expected = sealedHeaderSize(recipients.length) + encryptedBodySize(expectedSize)
  let doneBytes = 0
  const report = (): void => {
    const totalBytes = Math.max(expected, doneBytes)
    onProgress?.({ totalBytes, doneBytes, totalFiles: 1, doneFiles: 0, current: name })
  }
  report()
  return ({ partNumber, size: bytes, etag }) => {
    doneBytes += bytes
    report()
    onEvent?.({ event: 'part', objectKey, path: name, partNumber, bytes, etag })
  }
}

/** The reason of an interrupt, for somebody who may expect to go on where it stopped. */
function asLost(reason: unknown): unknown {
  if (!hasCode(reason, 'INTERRUPTED', 'TERMINATED', 'RESUMABLE')) return reason
  const code = reason.code === 'RESUMABLE' ? 'TERMINATED' : reason.code
  return new AppError(code, `the upload was ${reason.message}`, {
    hints: ['nothing of it was kept: a stream can not be read twice, so start it again from the beginning'],
    cause: reason,
  })
}
