import type { AccessStore } from './access/access-store.ts'
import type { ObjectStore } from './object-store.ts'

/** A whole store: objects, and who may reach them. */
export type Store = ObjectStore & AccessStore
