import type { Readable } from 'node:stream'
import type { Pace } from '../../util/pace.ts'
import type { StreamedBody } from '../object-store.ts'
import { LentBody } from './lent-body.ts'

/** Bytes handed to the socket at a time where they are paced: small against any rate, large against the cost of a chunk. */
const CHUNK_SIZE = 64 * 1024

/** How bodies go to and come from one store. */
export interface Wire {
  /** Slows bodies in both directions. */
  pace?: Pace | undefined
  /** Whether nobody on the way could change a body that no signature covers: over TLS, or on this machine. */
  protectsBodies: boolean
}

/** A body as it is given to the SDK. */
export type SentBody = Uint8Array | Readable

/**
 * Sends a request with a body: whole when it is in memory and may go as fast as it can, otherwise chunk by chunk.
 * Whatever happens, a streamed body is closed before this ends, and nothing more of it is sent.
 *
 * @param send - called once; its signal also ends the request when the body fails
 * @throws what `send` and the body throw; the signal's reason
 */
export async function sendBody<Answer>(
  body: Uint8Array | StreamedBody,
  { pace, signal }: { pace?: Pace | undefined; signal?: AbortSignal | undefined },
  send: (body: SentBody, signal: AbortSignal | undefined) => Promise<Answer>,
): Promise<Answer> {
  // A request whose body fails would wait for the rest of it until it times out, and one that was refused early would
  // go on sending a body whose memory is somebody else's by then.
  const ended = new AbortController()
  const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal])
  if (body instanceof Uint8Array && pace === undefined) {
    try {
      return await send(body, either)
    } catch (error) {
      ended.abort()
      throw error
    }
  }
  either.throwIfAborted()
  const chunks = chunksOf(body)
  const stream = new LentBody(pace === undefined ? chunks : paced(chunks, pace, either))
  stream.on('error', (error) => {
    ended.abort(error)
  })
  try {
    // Where its first bytes have to wait for their turn, no connection should stand open meanwhile.
    await stream.begin()
    return await send(stream, either)
  } finally {
    // An answer that came before the body's end is a refusal: the rest is not wanted.
    if (!stream.givenWhole) ended.abort()
    await closed(stream)
  }
}

/** What went wrong with it was told before. */
function closed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve()
    else stream.once('close', resolve).destroy()
  })
}

function* piecesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += CHUNK_SIZE) yield body.subarray(at, at + CHUNK_SIZE)
}

/** Gives a body on; fails when it is not as long as it says, before the server could take the next request for its rest. */
async function* chunksOf(body: Uint8Array | StreamedBody): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) {
    yield body
    return
  }
  const { length } = body
  let given = 0
  for await (const chunk of body.open()) {
    given += chunk.length
    if (given > length) break
    yield chunk
  }
  if (given !== length)
    throw new RangeError(`a body of ${length} bytes gave ${given > length ? 'more' : given}`)
}

async function* paced(
  chunks: AsyncIterable<Uint8Array>,
  pace: Pace,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (const piece of piecesOf(chunk)) {
      await pace.take(piece.length, signal)
      yield piece
    }
  }
}
