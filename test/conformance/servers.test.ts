/** The contract on every server this machine has: the sandbox always, Ceph RGW, versitygw and MinIO where they are installed. */
import { describe } from 'vitest'
import { sharingBackends } from '../support/backends.ts'
import { objectStoreConformance } from './object-store.ts'
import type { Lacks } from './parties.ts'
import { partiesAt } from './s3-parties.ts'

/** Grants are written in another way where it isn't Ceph: sharing/ tells them. */
const grants = '(told in sharing/)'
/** What is uploaded belongs to the bucket's owner: nothing has to be taken over. */
const copies = '(nothing to adopt)'
const pathKeys = 'objects are files'

const LACKS: Readonly<Record<string, Lacks>> = {
  sandbox: {},
  rgw: {},
  'rgw across tenants': {},
  versitygw: { grants, copies, pathKeys, uploadOwners: 'empty' },
  minio: { grants, copies, pathKeys, uploadListing: 'for an exact key only', uploadOwners: 'empty' },
}

for (const { name, skipped, start } of sharingBackends()) {
  const lacks = LACKS[name]
  // What the sandbox plays besides is compared with the real ones where they differ, in test/sandbox.
  if (lacks === undefined) continue
  if (skipped === undefined) objectStoreConformance(name, () => partiesAt(start), lacks)
  else describe.skip(`object store contract: ${name} (${skipped})`, () => undefined)
}
