import { execFileSync } from 'node:child_process'

import { reportRequirements } from './requirements.ts'

/** The stories run the built command, so the build must be that of the sources under test. */
export default function setup(): void {
  reportRequirements()
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] })
}
