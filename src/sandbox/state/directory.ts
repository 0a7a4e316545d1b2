import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../util/errors.ts'

/** Marks a folder as a sandbox's own. */
const marker = 'sealift-sandbox.json'

/**
 * Makes a folder a sandbox's. Files nobody names are cleaned away at the start, so a folder with anything else in it
 * is refused. Throws USAGE.
 */
export function claimDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (existsSync(join(directory, marker))) return
  if (readdirSync(directory).length > 0) {
    throw new AppError('USAGE', `${directory} is neither empty nor the folder of a sandbox`, {
      hints: ['give the sandbox a folder of its own'],
    })
  }
  writeFileSync(join(directory, marker), `${JSON.stringify({ version: 1 })}\n`, { mode: 0o600 })
}
