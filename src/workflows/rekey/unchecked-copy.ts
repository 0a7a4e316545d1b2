import { z } from 'zod'
import { parseDetachedHeader } from '../../crypto/crypt4gh/header.ts'
import { openHeader, type OpenedHeader } from '../../crypto/crypt4gh/open-header.ts'
import type { KeyPair } from '../../crypto/keys/key-pair.ts'
import type { ObjectName } from '../../storage/object-store.ts'
import type { Store } from '../../storage/store.ts'
import { AppError, hasCode } from '../../util/errors.ts'
import { checkSeams, type Seam } from './seam-check.ts'

/**
 * What it takes to check the seams of a copy in a later run, as it is written down: both headers and what lies around the
 * seams. All of it is stored in the objects themselves, and nothing of it opens anything without a secret key. Base64.
 */
export const uncheckedSchema = z.object({
  headers: z.object({ before: z.string(), after: z.string() }),
  seams: z.array(z.object({ offset: z.int().min(0), around: z.string() })).min(1),
})

export type Unchecked = z.infer<typeof uncheckedSchema>

/** Writes down what a check will need. */
export function serializeUnchecked(
  headers: { before: Uint8Array; after: Uint8Array },
  seams: readonly Seam[],
): Unchecked {
  return {
    headers: { before: base64(headers.before), after: base64(headers.after) },
    seams: seams.map(({ offset, around }) => ({ offset, around: base64(around) })),
  }
}

/**
 * Checks the seams of a copy that an earlier run placed and did not check.
 *
 * @throws AppError INTEGRITY for a wrong copy, NO_MATCHING_KEY when it can't be opened to be checked; OBJECT_CHANGED;
 * StorageError
 */
export async function checkUnchecked(
  store: Store,
  name: ObjectName,
  version: { size: number; etag: string },
  unchecked: Unchecked,
  { identities, signal }: { identities: readonly KeyPair[]; signal: AbortSignal | undefined },
): Promise<void> {
  const before = Buffer.from(unchecked.headers.before, 'base64')
  const after = Buffer.from(unchecked.headers.after, 'base64')
  const seams = unchecked.seams.map(({ offset, around }) => ({
    offset,
    around: Buffer.from(around, 'base64'),
  }))
  const { dataKeys } = await openEither([before, after], identities, name)
  try {
    const copy = { store, name, version, traffic: { sent: 0, received: 0 }, signal }
    await checkSeams(copy, seams, { after, before: before.length }, dataKeys)
  } finally {
    for (const dataKey of dataKeys) dataKey.fill(0)
  }
}

/** The old header opens for who asked first; the new one for who was added. */
async function openEither(
  headers: readonly Uint8Array[],
  identities: readonly KeyPair[],
  { bucket, objectKey }: ObjectName,
): Promise<OpenedHeader> {
  for (const header of headers) {
    try {
      return await openHeader(parseDetachedHeader(header), identities)
    } catch (error) {
      if (!hasCode(error, 'NO_MATCHING_KEY')) throw error
    }
  }
  throw new AppError(
    'NO_MATCHING_KEY',
    `s3://${bucket}/${objectKey} was copied by an earlier run, and no identity opens it to check the copy`,
    { hints: ['give the command of that run again, with its --identity'] },
  )
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** The failure of a copy that is not what it should be. */
export function wrongCopy(error: AppError, isWithdrawn: boolean): AppError {
  return new AppError('INTEGRITY', error.message, {
    cause: error,
    hints: [
      isWithdrawn
        ? 'the wrong version was deleted again, and the one before it is back'
        : 'this object must not be used: restore it from another copy, and tell the operator of the server',
    ],
  })
}
