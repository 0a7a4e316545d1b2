import { describe, expect, it } from 'vitest'
import {
  parsePayload,
  serializeDataKey,
  serializeEditList,
} from '../../../src/crypto/crypt4gh/header-payload.ts'
import { concat, unhex } from '../vectors.ts'

const MAX_U64 = 2n ** 64n - 1n
/** What fits a packet of 1 MiB beside its frame. */
const LONGEST = 1_048_576 / 8 - 16

describe('payloads of header packets', () => {
  it('have the bytes that the standard gives them', () => {
    const dataKey = Uint8Array.from({ length: 32 }, (_, index) => index)
    expect(serializeDataKey(dataKey)).toEqual(concat(new Uint8Array(8), dataKey))
    expect(serializeEditList([1n, MAX_U64])).toEqual(
      unhex('01000000020000000100000000000000ffffffffffffffff'),
    )
    expect(parsePayload(concat(serializeDataKey(dataKey), new Uint8Array(5)))).toEqual({ dataKey })
  })

  it.each([
    ['nothing', '', 'its 0 bytes are too few'],
    ['seven bytes', '00000000000000', 'its 7 bytes are too few'],
    ['a data key of 31 bytes', `0000000000000000${'11'.repeat(31)}`, 'its data key is too short'],
    [
      'a data method of the other endianness',
      `0000000000000001${'11'.repeat(32)}`,
      'method 16777216 is unknown',
    ],
    [
      'an edit list of one length that is cut short',
      '010000000100000001020304050607',
      'claims 1 lengths, there is room for 0',
    ],
    [
      'an edit list that claims one length too many',
      '01000000020000000100000000000000',
      'claims 2 lengths, there is room for 1',
    ],
  ])('%s is refused', (_, payload, why) => {
    expect(() => parsePayload(unhex(payload))).toThrow(why)
    expect(() => parsePayload(unhex(payload))).toThrow(
      expect.objectContaining({ code: 'INVALID_HEADER' }) as Error,
    )
  })

  it('an unknown type is refused with what it may be', () => {
    expect(() => parsePayload(unhex('0200000000000000'))).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('packet type 2') as string,
        hints: [expect.stringContaining('newer program')],
      }) as Error,
    )
  })

  it('as many lengths as fit a packet can be written, and not one more', () => {
    expect(serializeEditList(Array.from({ length: LONGEST }, () => 1n))).toHaveLength(8 + 8 * LONGEST)
    expect(() => serializeEditList(Array.from({ length: LONGEST + 1 }, () => 1n))).toThrow(
      expect.objectContaining({ code: 'USAGE' }) as Error,
    )
  })

  it('a length that is no unsigned 64-bit number, or a key of another size, is a bug of the caller', () => {
    expect(() => serializeEditList([0n, -1n])).toThrow(RangeError)
    expect(() => serializeEditList([MAX_U64 + 1n])).toThrow(RangeError)
    expect(() => serializeDataKey(new Uint8Array(31))).toThrow(RangeError)
  })
})
