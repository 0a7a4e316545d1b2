/** The contract on every server this machine has: the sandbox always, Ceph RGW where it is installed. */
import { describe } from 'vitest'
import { backends } from '../support/backends.ts'
import { objectStoreConformance } from './object-store.ts'
import { partiesAt } from './s3-parties.ts'

for (const { name, skipped, start } of backends()) {
  if (skipped === undefined) objectStoreConformance(name, () => partiesAt(start))
  else describe.skip(`object store contract: ${name} (${skipped})`, () => undefined)
}
