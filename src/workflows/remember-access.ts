import { recordAccess, type AccessEvent } from './access-history.ts'

/**
 * Writes down what was done to a bucket's access, so that `access show` and `access audit` can say since when. It was
 * done, whether or not it can be written down: a failure becomes a note.
 *
 * @param path - the history file
 */
export async function rememberAccess(
  path: string,
  event: Omit<AccessEvent, 'at'>,
  note: (message: string) => void,
): Promise<void> {
  try {
    await recordAccess(path, { at: new Date().toISOString(), ...event })
  } catch (error) {
    note(
      `not written into the history of accesses: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
