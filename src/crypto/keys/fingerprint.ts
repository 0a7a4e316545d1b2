import { encodeBase64 } from '../../util/base64.ts'
import { sha256 } from '../primitives.ts'

/**
 * The fingerprint of a public key: `SHA256:` and the base64, without padding, of SHA-256 over its 32
 * bytes. The shape is that of ssh-keygen, the value isn't: ssh hashes its own key encoding.
 */
export function fingerprint(publicKey: Uint8Array): string {
  return `SHA256:${encodeBase64(sha256(publicKey)).replace(/=+$/, '')}`
}
