import { StorageError } from '../errors.ts'
import type { Where } from '../failure.ts'
import type { RequestOptions } from '../object-store.ts'
import { toStorageError } from './errors.ts'

/** Calls the SDK and turns what it throws into a StorageError; an abort becomes the signal's reason. */
export async function request<Output>(
  where: Where,
  options: RequestOptions | undefined,
  call: (settings: { abortSignal?: AbortSignal }) => Promise<Output>,
): Promise<Output> {
  const signal = options?.signal
  signal?.throwIfAborted()
  try {
    return await call(signal === undefined ? {} : { abortSignal: signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw toStorageError(error, where)
  }
}

/** True for a refusal without a reason: a HEAD answer has no body to give one. */
export function isUnexplained(error: unknown): boolean {
  if (!(error instanceof StorageError) || error.serverCode !== undefined) return false
  return error.status === 400 || error.status === 403
}

/** An ETag without the quotes that some answers have and others have not (Ceph RGW 16); undefined when empty. */
export function unquoted(etag: string | undefined): string | undefined {
  const bare = etag?.replaceAll('"', '')
  return bare === '' ? undefined : bare
}
