/**
 * The key that a writer and a reader of a header packet share (crypt4gh.tex §2.2.1):
 * the first 32 bytes of BLAKE2b-512(X25519(own secret, peer public) ‖ reader public ‖ writer public).
 * In libsodium's crypto_kx the reader is the client and the writer the server: writer's tx = reader's rx.
 */
import { AppError } from '../../util/errors.ts'
import { fingerprint } from '../keys/fingerprint.ts'
import type { KeyPair } from '../keys/key-pair.ts'
import type { Sodium } from '../sodium.ts'
import { KEY_SIZE } from './format.ts'

/** What a writer shares with each of its readers: packets can be sealed with it, without the writer's secret key. */
export interface PacketKeys {
  writerPublicKey: Uint8Array
  /** Secret, 32 bytes each. */
  ofReaders: readonly Uint8Array[]
}

export function wipePacketKeys({ ofReaders }: PacketKeys): void {
  for (const packetKey of ofReaders) packetKey.fill(0)
}

/**
 * The packet key as its writer gets it.
 *
 * @throws {@link AppError} INVALID_KEY for a reader key of another size or of low order, with which anybody
 * could open the packet
 */
export function packetKeyOfWriter(sodium: Sodium, writer: KeyPair, readerPublicKey: Uint8Array): Uint8Array {
  if (readerPublicKey.length !== KEY_SIZE) {
    throw new AppError(
      'INVALID_KEY',
      `a recipient's public key has ${KEY_SIZE} bytes, this one has ${readerPublicKey.length}`,
    )
  }
  try {
    const keys = sodium.crypto_kx_server_session_keys(writer.publicKey, writer.secretKey, readerPublicKey)
    sodium.memzero(keys.sharedRx)
    return keys.sharedTx
  } catch (cause) {
    throw new AppError('INVALID_KEY', `the public key ${fingerprint(readerPublicKey)} protects nothing`, {
      hints: ['it is one of the few weak keys of X25519; ask the recipient for a proper one'],
      cause,
    })
  }
}

/** The packet key as its reader gets it; undefined for a writer key of low order: such a packet isn't for us. */
export function packetKeyOfReader(
  sodium: Sodium,
  reader: KeyPair,
  writerPublicKey: Uint8Array,
): Uint8Array | undefined {
  try {
    const keys = sodium.crypto_kx_client_session_keys(reader.publicKey, reader.secretKey, writerPublicKey)
    sodium.memzero(keys.sharedTx)
    return keys.sharedRx
  } catch {
    return undefined
  }
}
