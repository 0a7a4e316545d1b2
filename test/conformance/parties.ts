import type { Store } from '../../src/storage/store.ts'

/** One caller at a store. */
export interface Party {
  store: Store
  /** As ACLs name it. */
  canonicalId: string
  /** As bucket policies name it. */
  principal: string
}

/** The callers that a store is tested with; the owner's buckets are addressed by the others through `address`. */
export interface Parties {
  owner: Party
  grantee: Party
  outsider: Party
  /** A caller without a signature, where the store has such a thing. */
  anonymous?: Store | undefined
  /** A known caller with a wrong secret key, where the store has keys. */
  impostor?: Store | undefined
  /** How the grantee and the outsider name a bucket of the owner's. */
  address: (bucket: string) => string
  close: () => Promise<void>
}

/** What a store is known to lack; its tests are left out, with this reason. */
export interface Lacks {
  /** Callers can't be let into each other's buckets. */
  grants?: string | undefined
  versioning?: string | undefined
  /** Object keys that a file system can't hold are refused: with `..`, `//`, a backslash, or longer than a file name. */
  pathKeys?: string | undefined
  /** Unfinished uploads are listed for an exact object key only. */
  uploadListing?: string | undefined
  /** Listings don't say whose unfinished uploads are. */
  uploadOwners?: string | undefined
  /** Copies and versions are not those of Ceph, and nothing of sealift's needs them there. */
  copies?: string | undefined
}

/** Gives the parties once they are there. */
export type Stage = () => Parties
