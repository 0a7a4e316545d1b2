import { sealHeader } from '../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey, sealSegments } from '../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../../src/crypto/crypt4gh/sizes.ts'
import type { KeyPair } from '../../src/crypto/keys/key-pair.ts'

/** A whole Crypt4GH object for one reader, with an edit list when one is given. */
export async function sealedObject(
  plaintext: Uint8Array,
  reader: KeyPair,
  editList?: readonly bigint[],
): Promise<Buffer> {
  const dataKey = newDataKey()
  const header = await sealHeader({ dataKeys: [dataKey], editList }, [reader.publicKey])
  const body = new Uint8Array(encryptedBodySize(plaintext.length))
  sealSegments(dataKey, plaintext, body)
  return Buffer.concat([header, body])
}
