declare module 'bcrypt-pbkdf' {
  /** OpenBSD's bcrypt_pbkdf; fills `key`. Gives -1, and leaves `key` alone, for arguments it can't use. */
  export function pbkdf(
    passphrase: Uint8Array,
    passphraseLength: number,
    salt: Uint8Array,
    saltLength: number,
    key: Uint8Array,
    keyLength: number,
    rounds: number,
  ): number
}
