import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../util/errors.ts'

/** Marks a folder as a sandbox's own. */
const marker = 'sealift-sandbox.json'

/** In the folder of a sandbox that keeps no bytes: no other one opens it. */
const discardMarker = 'sealift-sandbox-discards.json'

/**
 * Makes a folder a sandbox's. Files nobody names are cleaned away at the start, so a folder with anything else in it
 * is refused. One that discards takes no folder that was used before, and its own is good for nothing afterwards.
 * Throws USAGE.
 */
export function claimDirectory(directory: string, discard = false): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (!discard && existsSync(join(directory, marker))) return
  if (readdirSync(directory).length > 0) {
    throw new AppError('USAGE', `${directory} is neither empty nor the folder of a sandbox`, {
      hints: ['give the sandbox a folder of its own'],
    })
  }
  writeFileSync(join(directory, discard ? discardMarker : marker), `${JSON.stringify({ version: 1 })}\n`, {
    mode: 0o600,
  })
}
