import type { AccessStore } from './access/access-store.ts'
import type { CopyStore } from './copy-store.ts'
import type { ObjectStore } from './object-store.ts'
import type { VersionStore } from './version-store.ts'

/** A whole store: objects, their copies and versions, and who may reach them. */
export type Store = ObjectStore & CopyStore & VersionStore & AccessStore
