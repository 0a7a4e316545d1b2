import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MARK_SIZE, NonceRecord } from '../../../src/crypto/crypt4gh/nonce-record.ts'

function recordOf(marks: readonly Uint8Array[]): NonceRecord {
  const record = new NonceRecord()
  for (const [segment, mark] of marks.entries()) record.add(mark, segment)
  return record
}

/** A mark whose nonce is a counter: the writer's worst honest habit. */
function counted(nonce: number, mac = nonce): Uint8Array {
  const mark = Buffer.alloc(MARK_SIZE)
  mark.writeUInt32LE(nonce, 8)
  mark.writeUInt32LE(mac, 12)
  return mark
}

describe('the record of nonces', () => {
  it('finds nothing in a hundred thousand counted or random ones', () => {
    const count = 100_000
    for (const mark of [counted, () => randomBytes(MARK_SIZE)]) {
      const record = recordOf(Array.from({ length: count }, (_, index) => mark(index)))
      expect(record).toMatchObject({ compared: count, reused: 0, copied: 0 })
    }
  })

  it('tells a nonce used again from a segment copied whole', () => {
    const record = recordOf([counted(1), counted(2), counted(1, 9), counted(2), counted(1, 8)])
    expect(record).toMatchObject({
      reused: 2,
      firstReused: { segment: 2, earlier: 0 },
      copied: 1,
      firstCopied: { segment: 3, earlier: 1 },
    })
  })

  it('counts as a plain list would', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(1)), { maxLength: 3000 }), (marks) => {
        const first = new Map<number, number>()
        let reused = 0
        let copied = 0
        for (const [nonce, mac] of marks) {
          const earlier = first.get(nonce)
          if (earlier === undefined) first.set(nonce, mac)
          else if (earlier === mac) copied += 1
          else reused += 1
        }
        const record = recordOf(marks.map(([nonce, mac]) => counted(nonce, mac)))
        expect(record).toMatchObject({ compared: marks.length, reused, copied })
      }),
    )
  })
})
