import { openSourceFile } from '../transfer/source-file.ts'
import { fileError } from '../util/file-errors.ts'

/** Bytes read at once. */
const CHUNK = 1024 ** 2

/**
 * The bytes of a file from the front; at their end it is checked that it is still the file it was.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_CHANGED; the reason of `signal`
 */
export async function* readSource(
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = await openSourceFile(path)
  try {
    for (let position = 0; ;) {
      signal?.throwIfAborted()
      const { bytesRead, buffer } = await source.file.read(new Uint8Array(CHUNK), 0, CHUNK, position)
      if (bytesRead === 0) break
      position += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    await source.refuseIfChanged()
  } catch (error) {
    throw fileError(error, 'read', path)
  } finally {
    await source.close()
  }
}
