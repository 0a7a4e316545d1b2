/** The vectors of test/vectors/crypt4gh, and streams to feed them through. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { keyPairFromSecret } from '../../src/crypto/keys/key-pair.ts'
import type { KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { parseSecretKey } from '../../src/crypto/keys/secret-key-file.ts'

export interface Vector {
  name: string
  file: string
  size: number
  reader: string[]
  expected: 'accept' | 'reject' | 'accept-undetectable' | 'accept-insecure'
  plaintext_sha256: string | null
  plaintext_len: number | null
  edit_list?: unknown
}

export interface VectorKey {
  secret_file: string
  public_file: string
  passphrase: string | null
  x25519_secret_hex: string | null
  x25519_public_hex: string
  kdf: string
  comment?: string
}

interface KnownAnswer {
  name: string
  writer_sk: string
  writer_pk: string
  reader_sk: string
  reader_pk: string
  k_shared: string
  payload: string
  packet?: string
  data_key: string
  plaintext: string
  segment: string
}

interface VectorIndex {
  keys: Record<string, VectorKey>
  kat: KnownAnswer[]
  vectors: Vector[]
}

const folder = new URL('../vectors/crypt4gh/', import.meta.url)

export const index = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as VectorIndex

/** A vector or key file, by its path in the index. */
export function readVector(path: string): Uint8Array {
  return Uint8Array.from(readFileSync(new URL(path, folder)))
}

/** The first bytes of the plaintext all vectors are made of. */
export function plain(length: number): Uint8Array {
  const blocks: Buffer[] = []
  for (let number = 0; number * 32 < length; number += 1) {
    const counter = Buffer.alloc(8)
    counter.writeBigUInt64LE(BigInt(number))
    blocks.push(createHash('sha256').update('crypt4gh-vectors').update(counter).digest())
  }
  return Uint8Array.from(Buffer.concat(blocks).subarray(0, length))
}

/** The identity of a reader named in the index. */
export async function identityOf(name: string): Promise<KeyPair> {
  const key = index.keys[name]!
  if (key.x25519_secret_hex !== null) return keyPairFromSecret(unhex(key.x25519_secret_hex))
  const file = await parseSecretKey(readVector(key.secret_file), name, async () => key.passphrase ?? '')
  return file.keyPair
}

/** A stream of the bytes in chunks of these sizes, again from the first when they are used up. */
export async function* chunked(bytes: Uint8Array, ...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length
    yield bytes.slice(start, start + size)
    start += size
  }
}

/** Everything a stream gave, and the error it ended with, if any. */
export async function drain(
  stream: AsyncIterable<Uint8Array>,
): Promise<{ bytes: Uint8Array; failure: unknown }> {
  const chunks: Uint8Array[] = []
  let failure: unknown
  try {
    for await (const chunk of stream) chunks.push(Uint8Array.from(chunk))
  } catch (error) {
    failure = error
  }
  return { bytes: Uint8Array.from(Buffer.concat(chunks)), failure }
}

/** Everything a stream gives; throws what it throws. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const { bytes, failure } = await drain(stream)
  if (failure instanceof Error) throw failure
  return bytes
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function unhex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'))
}
