import { hex } from '../../util/bytes.ts'
import { AppError } from '../../util/errors.ts'
import { fingerprint } from '../keys/fingerprint.ts'
import type { OpenedHeader } from './open-header.ts'

/**
 * Insists that every header packet that opened for us was written with one of the expected keys: a single
 * foreign packet could bring a data key under which somebody else added segments. It proves the origin to
 * us alone, because a recipient could have written the same packets (crypt4gh.tex, "Message Forgery"). The
 * data keys of a header that is refused are wiped.
 *
 * @throws {@link AppError} UNEXPECTED_SENDER naming the fingerprints of the others
 */
export function requireSender(
  { senders, dataKeys }: Pick<OpenedHeader, 'senders' | 'dataKeys'>,
  expected: readonly Uint8Array[],
): void {
  const known = new Set(expected.map(hex))
  const others = senders.filter((sender) => !known.has(hex(sender)))
  if (others.length === 0) return
  for (const dataKey of dataKeys) dataKey.fill(0)
  const names = others.map(fingerprint).join(', ')
  throw new AppError('UNEXPECTED_SENDER', `it was written by ${names}, not by the sender you named`, {
    hints: ['do not use it before its sender confirmed it, and the key, over another channel'],
  })
}
