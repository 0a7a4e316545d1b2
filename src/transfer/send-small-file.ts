import { uploadObject } from '../storage/multipart-upload.ts'
import type { ObjectName } from '../storage/object-store.ts'
import type { FileIdentity } from './journal/journal-entry.ts'
import { writtenDown } from './journal/transfer-journal.ts'
import { OBJECT_SETTINGS, type SealAndUploadOptions, type SealedUpload } from './seal-and-upload.ts'
import type { SealedSmallFile } from './seal-small-file.ts'

export type SendSmallFileOptions = Pick<
  SealAndUploadOptions,
  'store' | 'replace' | 'absentSeen' | 'journal' | 'onPart' | 'signal'
>

/**
 * Sends an object that a thread has sealed already, with all the checks of one that sealAndUpload sends in one request.
 *
 * @param source - the file as it was sealed, with its absolute path
 * @param sealed - what is known of the object in `body`
 * @throws what uploadObject throws
 */
export async function sendSmallFile(
  source: { absolutePath: string; identity: FileIdentity },
  target: ObjectName,
  sealed: SealedSmallFile,
  body: Uint8Array,
  { store, replace, absentSeen, journal, onPart, signal }: SendSmallFileOptions,
): Promise<SealedUpload> {
  const { length: size, sha256, md5, plaintext } = sealed
  const stored = await uploadObject(
    store,
    target,
    {
      size,
      partCount: 1,
      prepare: async () => {
        // On disk before the object is sent: a later run finds by the ETag that it was.
        await writtenDown(journal, {
          type: 'sending',
          objectKey: target.objectKey,
          path: source.absolutePath,
          source: source.identity,
          size,
          etag: md5,
          versionId: null,
          sha256: plaintext.sha256,
          md5: plaintext.md5 ?? null,
        })
        return { body, sha256, etagProbe: md5, release: () => undefined }
      },
    },
    { ...OBJECT_SETTINGS, concurrency: 1, ifAbsent: !replace, absentSeen, onPartStored: onPart, signal },
  )
  return { ...stored, plaintext, foundBytes: 0, dataKeyCount: 1, verified: 'no' }
}
