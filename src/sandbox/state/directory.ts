import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../../util/errors.ts'

/** Marks a folder as a sandbox's own. */
const marker = 'sealift-sandbox.json'

/** In the folder of a sandbox that keeps no bytes: no other one opens it. */
const discardMarker = 'sealift-sandbox-discards.json'

/**
 * Makes a folder a sandbox's. Files nobody names are cleaned away at the start, so a folder with anything else in it
 * is refused, and so is one whose owners are spelled in another server's way (`accounts`). One that discards takes no
 * folder that was used before, and its own is good for nothing afterwards. Throws USAGE.
 */
export function claimDirectory(
  directory: string,
  { discard = false, accounts = 'rgw' }: { discard?: boolean; accounts?: string } = {},
): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (!discard && existsSync(join(directory, marker))) {
    if (accountsOf(join(directory, marker)) === accounts) return
    throw new AppError('USAGE', `${directory} is the folder of a sandbox with another personality`, {
      hints: ['name the same personality again, or give the sandbox another folder'],
    })
  }
  if (readdirSync(directory).length > 0) {
    throw new AppError('USAGE', `${directory} is neither empty nor the folder of a sandbox`, {
      hints: ['give the sandbox a folder of its own'],
    })
  }
  writeFileSync(
    join(directory, discard ? discardMarker : marker),
    `${JSON.stringify({ version: 1, accounts })}\n`,
    {
      mode: 0o600,
    },
  )
}

/** How the projects of a folder are called; a sandbox knew only one way once. */
function accountsOf(file: string): string {
  try {
    return z.object({ accounts: z.string().default('rgw') }).parse(JSON.parse(readFileSync(file, 'utf8')))
      .accounts
  } catch (cause) {
    throw new AppError('INTEGRITY', `${file} is no marker of a sandbox`, { cause })
  }
}
