/** What the inputs are made from: the vectors, headers taken apart, and key files with what their armour holds. */
import { headerPacket, parseHeader } from '../../src/crypto/crypt4gh/header.ts'
import type { HeaderPacket } from '../../src/crypto/crypt4gh/header.ts'
import { packetKeyOfWriter } from '../../src/crypto/crypt4gh/packet-key.ts'
import { keyPairFromSecret } from '../../src/crypto/keys/key-pair.ts'
import type { KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { readySodium } from '../../src/crypto/sodium.ts'
import { concatBytes } from '../../src/util/bytes.ts'
import { identityOf, index, readVector } from '../crypto/vectors.ts'

/** Larger files would make inputs slow and find nothing that these don't. */
const LARGEST_FILE = 140_000

export interface Corpus {
  reader: KeyPair
  /** Whole files, by far the most of them of a segment or two. */
  files: Uint8Array[]
  /** The same files taken apart, where they have a header. */
  parts: { packets: readonly HeaderPacket[]; body: Uint8Array }[]
  /** A file's header with nothing behind it. */
  headers: Uint8Array[]
  packets: HeaderPacket[]
  /** Secret and public key files as texts. */
  keyTexts: string[]
  publicTexts: string[]
  /** What stands in their PEM blocks: containers, DER, bare keys. */
  keyBytes: Uint8Array[]
  /** A packet for the reader with that payload in it: MAC and all, only the payload is odd. */
  packetOf: (payload: Uint8Array, nonce: Uint8Array) => HeaderPacket
}

export async function loadCorpus(): Promise<Corpus> {
  const reader = await identityOf('alice')
  const files = index.vectors.filter(({ size }) => size <= LARGEST_FILE).map(({ file }) => readVector(file))
  const parts: Corpus['parts'] = []
  const headers: Uint8Array[] = []
  const packets: HeaderPacket[] = []
  for (const file of files) {
    const header = parsedOrUndefined(file)
    if (header === undefined) continue
    headers.push(file.slice(0, header.length))
    packets.push(...header.packets)
    parts.push({ packets: header.packets, body: file.slice(header.length) })
  }
  const latin1 = (path: string): string => Buffer.from(readVector(path)).toString('latin1')
  const keys = Object.values(index.keys)
  const publicTexts = keys.map(({ public_file: path }) => latin1(path))
  const keyTexts = [...keys.map(({ secret_file: path }) => latin1(path)), ...publicTexts]
  return {
    reader,
    files,
    parts,
    headers,
    packets,
    keyTexts,
    publicTexts,
    keyBytes: keyTexts.flatMap(blocksOf),
    packetOf: await packetMaker(reader),
  }
}

async function packetMaker(reader: KeyPair): Promise<Corpus['packetOf']> {
  const sodium = await readySodium()
  const writer = await keyPairFromSecret(new Uint8Array(32).fill(7))
  const packetKey = packetKeyOfWriter(sodium, writer, reader.publicKey)
  return (payload, nonce) => {
    const sealed = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(payload, null, null, nonce, packetKey)
    return headerPacket(0, concatBytes([writer.publicKey, nonce, sealed]))
  }
}

function parsedOrUndefined(
  file: Uint8Array,
): { packets: readonly HeaderPacket[]; length: number } | undefined {
  try {
    const header = parseHeader(file)
    return 'packets' in header ? header : undefined
  } catch {
    return undefined
  }
}

function blocksOf(text: string): Uint8Array[] {
  const base64 = /-----BEGIN [^\n]*\n([^-]*)-----END/.exec(text)?.[1] ?? /^ssh-\S+ (\S+)/.exec(text)?.[1]
  return base64 === undefined ? [] : [Uint8Array.from(Buffer.from(base64, 'base64'))]
}
