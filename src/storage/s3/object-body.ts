import type { Readable } from 'node:stream'
import type { Pace } from '../../util/pace.ts'
import { failure, type Where } from '../failure.ts'
import type { ByteRange } from '../object-store.ts'

/**
 * Bytes of this answer and of the whole object, from its headers.
 *
 * @param orLess - whether the object may end within the range
 * @throws StorageError OBJECT_CHANGED when the object is too short for the range,
 * INTEGRITY when the server answers something else than what was asked for
 */
export function expectedLength(
  where: Where,
  range: ByteRange | undefined,
  contentLength: number | undefined,
  contentRange: string | undefined,
  orLess = false,
): { length: number; size: number } {
  if (contentLength === undefined) throw failure('STORE_FAILURE', where, 'the answer has no Content-Length')
  if (range === undefined) {
    if (contentRange !== undefined) throw wrongRange(where, contentRange)
    return { length: contentLength, size: contentLength }
  }
  const found = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(contentRange ?? '')
  if (found === null) throw wrongRange(where, contentRange)
  const [first, last, size] = found.slice(1).map(Number) as [number, number, number]
  const length = orLess ? Math.min(range.length, size - range.offset) : range.length
  if (range.offset + length > size || length < 1) {
    throw failure('OBJECT_CHANGED', where, `it has only ${size} bytes`)
  }
  const asked = first === range.offset && last === range.offset + length - 1
  if (!asked || contentLength !== length) throw wrongRange(where, contentRange)
  return { length: contentLength, size }
}

/** Gives the body on as fast as the pace lets it, and fails unless it has exactly the bytes that were announced. An abort ends it with the signal's reason. */
export async function* checkedBody(
  body: Readable,
  length: number,
  where: Where,
  { pace, signal }: { pace: Pace | undefined; signal: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  let received = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      received += chunk.length
      if (received > length) break
      if (pace !== undefined) await pace.take(chunk.length, signal)
      yield chunk
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw wrongLength(where, received, length, error)
  } finally {
    body.destroy()
  }
  if (received !== length) throw wrongLength(where, received, length)
}

function wrongLength(where: Where, received: number, length: number, cause?: unknown) {
  const detail =
    received > length ? `more than ${length} bytes` : `it broke off after ${received} of ${length} bytes`
  return failure('INTEGRITY', where, detail, { retryable: true, cause })
}

function wrongRange(where: Where, contentRange: string | undefined) {
  return failure('INTEGRITY', where, `the server answered Content-Range ${contentRange ?? 'none'}`)
}
