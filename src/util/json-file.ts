import { readFile } from 'node:fs/promises'
import type { z } from 'zod'
import { writeFileAtomically } from './atomic-file.ts'
import { AppError } from './errors.ts'
import { errnoOf, fileError } from './file-errors.ts'

/**
 * Reads a JSON file of ours; `absent` when there is none yet. Throws FILE_UNREADABLE, also for content that does not
 * fit: it is never silently replaced.
 */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>, absent: T): Promise<T> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return absent
    throw fileError(error, 'read', path)
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new AppError('FILE_UNREADABLE', `${path} is damaged, or was written by another version`, {
      cause,
      hints: ['repair it, or move it away and start a new one'],
    })
  }
}

/** Replaces a JSON file of ours, readable by its owner alone. Throws FILE_UNREADABLE, DISK_FULL. */
export async function writeJsonFile(path: string, content: unknown): Promise<void> {
  try {
    await writeFileAtomically(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
  } catch (error) {
    throw fileError(error, 'write', path)
  }
}
