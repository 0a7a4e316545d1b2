import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError } from './errors.ts'

/**
 * Writes bytes to an output that can't be taken back, such as stdout, and leaves it open.
 *
 * @param asFailure - what a failure of `bytes` or of the output is shown as; as it comes when absent
 * @returns bytes written
 * @throws what `asFailure` gives; an AppError says so when what was written must be thrown away
 */
export async function writeStream(
  bytes: AsyncIterable<Uint8Array>,
  output: Writable,
  asFailure: (error: unknown) => unknown = (error) => error,
): Promise<number> {
  let written = 0
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      yield chunk
      written += chunk.length
    }
  }
  try {
    await pipeline(Readable.from(counted(), { objectMode: false }), output, { end: false })
  } catch (error) {
    const failure = asFailure(error)
    if (written === 0 || !(failure instanceof AppError)) throw failure
    const hints = [...failure.hints, 'what was written to stdout is incomplete: throw it away']
    throw new AppError(failure.code, failure.message, { hints, cause: error })
  }
  return written
}
