import { decryptStream } from '../../../src/crypto/crypt4gh/crypt4gh.ts'
import { sealHeader } from '../../../src/crypto/crypt4gh/seal-header.ts'
import { newDataKey, sealSegments } from '../../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../../../src/crypto/crypt4gh/sizes.ts'
import { generateKeyPair, type KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import type { Store } from '../../../src/storage/store.ts'
import { hasCode } from '../../../src/util/errors.ts'
import type { ReaderChange } from '../../../src/workflows/rekey/reader-change.ts'
import { chunked, collect } from '../../crypto/vectors.ts'
import { read } from '../../conformance/steps.ts'

export interface People {
  me: KeyPair
  bob: KeyPair
  carol: KeyPair
  dave: KeyPair
}

export async function people(): Promise<People> {
  const [me, bob, carol, dave] = await Promise.all(Array.from({ length: 4 }, () => generateKeyPair()))
  return { me: me!, bob: bob!, carol: carol!, dave: dave! }
}

/** A Crypt4GH object for these readers, with an edit list where one is given. */
export async function objectFor(
  plaintext: Uint8Array,
  readers: readonly KeyPair[],
  editList?: readonly bigint[],
): Promise<Buffer> {
  const dataKey = newDataKey()
  const keys = readers.map(({ publicKey }) => publicKey)
  const header = await sealHeader({ dataKeys: [dataKey], editList }, keys)
  const body = new Uint8Array(encryptedBodySize(plaintext.length))
  sealSegments(dataKey, plaintext, body)
  return Buffer.concat([header, body])
}

/** What a reader makes of an object; undefined when none of its packets opens for it. */
export async function openedBy(object: Uint8Array, reader: KeyPair): Promise<Buffer | undefined> {
  try {
    return Buffer.from(await collect(decryptStream(chunked(object, 1 << 20), [reader])))
  } catch (error) {
    if (hasCode(error, 'NO_MATCHING_KEY')) return undefined
    throw error
  }
}

/** True for an object in the store that this reader opens, and finds the plaintext in. */
export async function reads(
  store: Store,
  { bucket, objectKey }: { bucket: string; objectKey: string },
  reader: KeyPair,
  plaintext: Uint8Array,
): Promise<boolean> {
  const opened = await openedBy(await read(store, bucket, objectKey), reader)
  if (opened !== undefined && !opened.equals(plaintext)) throw new Error('it opens, and is another plaintext')
  return opened !== undefined
}

/** A change asked for by somebody with one identity. */
export function changeBy(me: KeyPair, change: Partial<ReaderChange>): ReaderChange {
  return { identities: [me], added: [], removed: [], dropOthers: false, ...change }
}
