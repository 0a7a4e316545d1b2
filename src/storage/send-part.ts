import type { MultipartUpload, ObjectStore, RequestOptions } from './object-store.ts'
import type { SentPart } from './upload-checks.ts'
import type { PreparedPart } from './upload-plan.ts'

/** A part that the store answered for. */
export interface AnsweredPart {
  part: SentPart
  /** True when the answer shows that this store's ETags of parts are their MD5s. */
  etagIsMd5: boolean
}

/** Sends a part and gives its buffer back, however that ends (UploadPart). Throws what the store throws. */
export async function sendPart(
  store: ObjectStore,
  upload: MultipartUpload,
  partNumber: number,
  prepared: PreparedPart,
  options: RequestOptions,
): Promise<AnsweredPart> {
  try {
    const { body, sha256, md5, etagProbe } = prepared
    const { etag } = await store.uploadPart(upload, partNumber, body, { sha256, md5, ...options })
    return {
      part: { partNumber, etag, size: body.length },
      etagIsMd5: etag === etagProbe || md5 !== undefined,
    }
  } finally {
    prepared.release()
  }
}
