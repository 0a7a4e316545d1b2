import { AppError } from './errors.ts'

/** A range of bytes as somebody asks for it, counted from 0. */
export interface RequestedRange {
  offset: number
  /** Undefined for everything from `offset` on. */
  length: number | undefined
}

/**
 * Reads `START:LENGTH`, or `START:` for everything from there on; both in bytes, counted from 0.
 *
 * @throws AppError INVALID_RANGE
 */
export function parseByteRange(text: string): RequestedRange {
  const [, start, length = ''] = /^(\d{1,16}):(\d{0,16})$/.exec(text) ?? []
  const range = { offset: Number(start ?? NaN), length: length === '' ? undefined : Number(length) }
  if (!Number.isSafeInteger(range.offset + (range.length ?? 0))) {
    throw new AppError('INVALID_RANGE', `not a range of bytes: ${text}`, {
      hints: ['write START:LENGTH or START:, in bytes counted from 0, such as 65536:1000'],
    })
  }
  return range
}

/**
 * The range in a file of `size` bytes. It must lie within: fewer bytes than were asked for are no answer.
 *
 * @throws AppError INVALID_RANGE when it reaches beyond the end
 */
export function rangeWithin(range: RequestedRange, size: number): { offset: number; length: number } {
  const { offset, length = size - offset } = range
  if (length < 0 || offset + length > size) throw beyondEnd(size)
  return { offset, length }
}

/**
 * The range of a stream; reading stops after its last byte.
 *
 * @throws AppError INVALID_RANGE at the end of a stream that ends before the range does
 */
export async function* rangeOfStream(
  source: AsyncIterable<Uint8Array>,
  range: RequestedRange,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { offset, length = Infinity } = range
  const end = offset + length
  let position = 0
  if (end > 0) {
    for await (const chunk of source) {
      const piece = chunk.subarray(Math.max(0, offset - position), Math.max(0, end - position))
      position += chunk.length
      if (piece.length > 0) yield piece
      if (position >= end) return
    }
  }
  if (position < offset || (range.length !== undefined && position < end)) throw beyondEnd(position)
}

/** What a range is answered with that reaches beyond the end of a file of `size` bytes. */
export function beyondEnd(size: number): AppError {
  return new AppError(
    'INVALID_RANGE',
    `the range reaches beyond the end of the file, which has ${size} bytes`,
  )
}
