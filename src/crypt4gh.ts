/**
 * Crypt4GH alone, for programs: keys, streams, random access, headers. The module `sealift/crypt4gh`; runs in Node
 * and, bundled, in browsers (docs/library.md). Failures are AppErrors with a stable `code`.
 */
export { AppError, hasCode, type ErrorCode } from './util/errors.ts'

// Whole files
export {
  decryptStream,
  encryptStream,
  type DecryptOptions,
  type EncryptOptions,
} from './crypto/crypt4gh/crypt4gh.ts'
export { decryptTransform, encryptTransform, type BytesTransform } from './crypto/crypt4gh/web-streams.ts'

// Ranges
export {
  openReader,
  type OpenReaderOptions,
  type RandomAccessSource,
  type Reader,
} from './crypto/crypt4gh/reader.ts'
export { rearrangeStream, type RearrangeRange } from './crypto/crypt4gh/rearrange.ts'

// Headers and bodies
export { examineHeader, type ExaminedHeader, type ExaminedPacket } from './crypto/crypt4gh/examine-header.ts'
export { recognize, type Recognized } from './crypto/crypt4gh/recognize.ts'
export { editedSize } from './crypto/crypt4gh/edit-list.ts'
export {
  looksLikeCrypt4gh,
  parseHeader,
  readHeader,
  serializeHeader,
  type Header,
  type HeaderPacket,
  type ReadHeader,
} from './crypto/crypt4gh/header.ts'
export { openHeader, type OpenedHeader } from './crypto/crypt4gh/open-header.ts'
export { reencryptHeader, type ReencryptOptions } from './crypto/crypt4gh/reencrypt.ts'
export { sealHeader, type HeaderContents } from './crypto/crypt4gh/seal-header.ts'
export { newDataKey } from './crypto/crypt4gh/segment.ts'
export { openStream, sealStream } from './crypto/crypt4gh/segments.ts'
export { encryptedBodySize, plaintextBodySize, sealedHeaderSize } from './crypto/crypt4gh/sizes.ts'

// Keys
export { fingerprint } from './crypto/keys/fingerprint.ts'
export { fingerprintWords } from './crypto/keys/fingerprint-words.ts'
export type { KeyKind } from './crypto/keys/key-kind.ts'
export { generateKeyPair, keyPairFromSecret, type KeyPair } from './crypto/keys/key-pair.ts'
export { parsePublicKeys, serializePublicKey, type PublicKeyFile } from './crypto/keys/public-key-file.ts'
export {
  parseSecretKey,
  serializeSecretKey,
  type SecretKeyFile,
  type SerializeSecretKeyOptions,
} from './crypto/keys/secret-key-file.ts'
