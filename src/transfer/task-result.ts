/** Digests of a plaintext, hex. */
export interface PlaintextDigests {
  sha256: string
  /** Only where asked for: archives want it. */
  md5: string | undefined
}

export interface SegmentTaskResult {
  /** Bytes produced: encrypted with what was in front of them, or plaintext. None of a check or a hash. */
  length: number
  /** SHA-256 of the produced part, hex; only of a part sealed to memory, where it signs the request. */
  sha256?: string | undefined
  /** Only of a part sealed to memory, where asked for, and of the end of an ordered hash. */
  plaintext?: PlaintextDigests | undefined
  /** MD5 of what an ordered hash of memory was given, hex. */
  md5?: string | undefined
  /** Only of a check. */
  checked?: CheckedSegments | undefined
}

/** What a check found; one segment that is not genuine does not end it. */
export interface CheckedSegments {
  firstSegment: number
  /** Nonce and start of the MAC of each segment, one after the other (crypto/crypt4gh/nonce-record.ts). */
  marks: Uint8Array
  /** Index of the data key that opens each segment; NO_KEY where none does. */
  dataKeyNumbers: Uint16Array
}
