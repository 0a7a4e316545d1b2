/** Runs in the browser: what the test asks the page to do. The library comes in through the bundle's front door. */
import type * as Crypt4gh from '../../src/crypt4gh.ts'
import type { Vector, VectorKey } from '../crypto/vectors.ts'

type Library = typeof Crypt4gh

/** What came of a file: the error's code, if any, and what had come out by then. */
interface Outcome {
  code: string | undefined
  length: number
  sha256: string
}

/** By the way it was read, then by reader: `whole alice` and so on. */
export type Outcomes = Record<string, Outcome>

export interface KeyOutcome {
  code: string | undefined
  message?: string
  publicKey: string
  kind: string
  recipients: string[]
  fingerprint: string
}

export interface RoundTrip {
  size: number
  /** Base64 of a file that the page encrypted for the recipient it was given. */
  file: string
  same: boolean
  fromMiddle: boolean
}

const WAYS = {
  'in one piece': () => [Infinity],
  'in odd chunks': () => [1, 7, 100, 65_563, 3, 65_564, 13, 131_071, 4096],
  'byte by byte': (size: number) => (size <= 2500 ? [1] : [65_565]),
}

export function pageFor(library: Library) {
  return {
    async vectors(list: Vector[], keys: Record<string, VectorKey>): Promise<Record<string, Outcomes>> {
      const outcomes: Record<string, Outcomes> = {}
      for (const vector of list) outcomes[vector.name] = await readVector(library, vector, keys)
      return outcomes
    },

    async keys(keys: Record<string, VectorKey>): Promise<Record<string, KeyOutcome>> {
      const outcomes: Record<string, KeyOutcome> = {}
      for (const [name, key] of Object.entries(keys)) outcomes[name] = await readKey(library, key)
      return outcomes
    },

    /** What a secret key file, as base64, is refused with. */
    async refusal(base64: string, passphrase: string): Promise<string> {
      const content = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
      return library
        .parseSecretKey(content, 'key', async () => passphrase)
        .then(
          () => 'read',
          (error: unknown) => (library.hasCode(error, 'UNSUPPORTED') ? error.message : String(error)),
        )
    },

    async roundTrips(sizes: number[], recipient: string): Promise<RoundTrip[]> {
      const trips: RoundTrip[] = []
      for (const size of sizes) trips.push(await roundTrip(library, size, recipient))
      return trips
    },

    /** A key of the page's own, locked, read again, and used. */
    async ownKey(passphrase: string): Promise<string[]> {
      const keyPair = await library.generateKeyPair()
      const text = await library.serializeSecretKey(keyPair, { passphrase, comment: 'from a browser' })
      const file = await library.parseSecretKey(new TextEncoder().encode(text), 'own', async () => passphrase)
      return [
        text,
        file.comment ?? '',
        library.fingerprint(file.keyPair.publicKey),
        library.fingerprint(keyPair.publicKey),
      ]
    },
  }
}

async function readVector(
  library: Library,
  vector: Vector,
  keys: Record<string, VectorKey>,
): Promise<Outcomes> {
  const bytes = await fetched(vector.file)
  const outcomes: Outcomes = {}
  for (const reader of vector.reader) {
    const identity = await identityOf(library, keys[reader]!)
    for (const [way, sizes] of Object.entries(WAYS)) {
      const stream = library.decryptStream(chunked(bytes, sizes(bytes.length)), [identity])
      outcomes[`${way}, ${reader}`] = await outcomeOf(library, stream)
    }
    const transformed = streamOf(bytes).pipeThrough(library.decryptTransform([identity]))
    outcomes[`as a Web stream, ${reader}`] = await outcomeOf(library, chunksOf(transformed))
    outcomes[`by ranges, ${reader}`] = await outcomeOf(library, byRanges(library, bytes, identity))
  }
  return outcomes
}

async function* byRanges(
  library: Library,
  bytes: Uint8Array,
  identity: Crypt4gh.KeyPair,
): AsyncGenerator<Uint8Array> {
  const readAt = async (offset: number, length: number): Promise<Uint8Array> =>
    bytes.slice(offset, offset + length)
  const reader = await library.openReader({ size: bytes.length, readAt }, [identity])
  for (let offset = 0, step = 1; offset < reader.size; offset += step, step = step * 3 + 1) {
    yield await reader.readAt(offset, Math.min(step, reader.size - offset))
  }
  reader.close()
}

async function readKey(library: Library, key: VectorKey): Promise<KeyOutcome> {
  const recipients = await library.parsePublicKeys(await fetched(key.public_file), 'public')
  const outcome = {
    code: undefined,
    publicKey: '',
    kind: '',
    recipients: recipients.map(({ publicKey }) => hex(publicKey)),
    fingerprint: library.fingerprint(recipients[0]!.publicKey),
  }
  try {
    const content = await fetched(key.secret_file)
    const file = await library.parseSecretKey(content, 'secret', async () => key.passphrase ?? '')
    return { ...outcome, publicKey: hex(file.keyPair.publicKey), kind: file.kind }
  } catch (error) {
    if (!(error instanceof library.AppError)) throw error
    return { ...outcome, code: error.code, message: error.message }
  }
}

async function roundTrip(library: Library, size: number, recipient: string): Promise<RoundTrip> {
  const own = await library.generateKeyPair()
  const plaintext = Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) & 0xff)
  const recipients = [own.publicKey, unhex(recipient)]
  const file = await gathered(library.encryptStream(chunked(plaintext, [100_000]), recipients))
  const transforms = [library.encryptTransform(recipients), library.decryptTransform([own])] as const
  const back = streamOf(plaintext).pipeThrough(transforms[0]).pipeThrough(transforms[1])
  const readAt = async (offset: number, length: number): Promise<Uint8Array> =>
    file.slice(offset, offset + length)
  const reader = await library.openReader({ size: file.length, readAt }, [own])
  const middle = size >> 1
  return {
    size,
    file: size > 100_000 ? '' : btoa(String.fromCharCode(...file)),
    same:
      hex(await gathered(library.decryptStream(chunked(file, [4096]), [own]))) === hex(plaintext) &&
      hex(await gathered(chunksOf(back))) === hex(plaintext),
    fromMiddle: hex(await reader.readAt(middle, size - middle)) === hex(plaintext.slice(middle)),
  }
}

async function identityOf(library: Library, key: VectorKey): Promise<Crypt4gh.KeyPair> {
  if (key.x25519_secret_hex !== null) return library.keyPairFromSecret(unhex(key.x25519_secret_hex))
  const content = await fetched(key.secret_file)
  return (await library.parseSecretKey(content, 'identity', async () => key.passphrase ?? '')).keyPair
}

async function outcomeOf(library: Library, stream: AsyncIterable<Uint8Array>): Promise<Outcome> {
  const chunks: Uint8Array[] = []
  let code: string | undefined
  try {
    for await (const chunk of stream) chunks.push(Uint8Array.from(chunk))
  } catch (error) {
    if (!(error instanceof library.AppError)) throw error
    code = error.code
  }
  const bytes = joined(chunks)
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return { code, length: bytes.length, sha256: hex(new Uint8Array(digest)) }
}

async function gathered(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(Uint8Array.from(chunk))
  return joined(chunks)
}

async function* chunked(bytes: Uint8Array, sizes: number[]): AsyncGenerator<Uint8Array> {
  for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
    const size = Math.min(sizes[turn % sizes.length]!, bytes.length)
    yield bytes.slice(start, start + size)
    start += size
  }
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (let start = 0; start < bytes.length; start += 50_000) {
        controller.enqueue(bytes.slice(start, start + 50_000))
      }
      controller.close()
    },
  })
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
}

async function fetched(path: string): Promise<Uint8Array> {
  const response = await fetch(`/vectors/${path}`)
  if (!response.ok) throw new Error(`no vector ${path}`)
  return new Uint8Array(await response.arrayBuffer())
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function unhex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16))
}
