/** Whole files as Web streams, for `pipeThrough` in browsers, Node, Deno and service workers. */
import type { KeyPair } from '../keys/key-pair.ts'
import { decryptStream, encryptStream } from './crypt4gh.ts'
import type { DecryptOptions, EncryptOptions } from './crypt4gh.ts'

/** What `pipeThrough` takes: bytes in at one end, bytes out at the other. */
export interface BytesTransform {
  writable: WritableStream<Uint8Array>
  readable: ReadableStream<Uint8Array>
}

/**
 * {@link encryptStream} for `plaintext.pipeThrough(…)`. Memory stays at a few MiB, whatever the size: a slow
 * reader stops the writer. A recipient that can't be used makes `readable` fail before its first byte.
 */
export function encryptTransform(
  recipients: readonly Uint8Array[],
  options: EncryptOptions = {},
): BytesTransform {
  return transform((plaintext) => encryptStream(plaintext, recipients, options))
}

/**
 * {@link decryptStream} for `ciphertext.pipeThrough(…)`. `readable` fails with its AppErrors; what came out before
 * is authentic but not the whole file: a program that keeps it must throw it away.
 */
export function decryptTransform(
  identities: readonly KeyPair[],
  options: DecryptOptions = {},
): BytesTransform {
  return transform((ciphertext) => decryptStream(ciphertext, identities, options))
}

function transform(
  convert: (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): BytesTransform {
  const { readable: incoming, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const reader = incoming.getReader()
  const outgoing = convert(chunksOf(reader))[Symbol.asyncIterator]()
  const readable = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = await outgoing.next()
        if (next.done === true) controller.close()
        else controller.enqueue(next.value)
      } catch (error) {
        // What fails before the first chunk was asked for would leave the writer waiting.
        await reader.cancel(error).catch(() => undefined)
        throw error
      }
    },
    async cancel(reason) {
      // Before the generator: it may be waiting for a chunk, and would not end until one came.
      try {
        await reader.cancel(reason)
      } finally {
        await outgoing.return?.()
      }
    },
  })
  return { writable, readable }
}

/** Not by the stream's own iterator, which some browsers lack. Leaving the loop early stops the writer. */
async function* chunksOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel()
  }
}
