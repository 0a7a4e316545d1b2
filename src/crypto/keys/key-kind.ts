import type { KeyPair } from './key-pair.ts'

/**
 * What a key file is. `raw` is the bare 32 bytes; the OpenSSL kinds are PKCS#8 and SPKI.
 * Ed25519 keys are used through their X25519 twins.
 */
export type KeyKind = 'crypt4gh' | 'raw' | 'openssh-ed25519' | 'openssl-x25519' | 'openssl-ed25519'

/** A secret key as it was read from a file. */
export interface SecretKeyFile {
  keyPair: KeyPair
  kind: KeyKind
  /** As it stands in the file: text from outside, not to be trusted. */
  comment?: string | undefined
  /** True when a passphrase protects the file. */
  encrypted: boolean
}
