import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { newDataKey, sealSegments } from '../../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../../../src/crypto/crypt4gh/sizes.ts'
import type { Question } from '../../../src/workflows/object-verify/check.ts'
import { CheckThreads, type Check } from '../../../src/workflows/object-verify/check-threads.ts'

const SEGMENTS = 5

/** A body of five segments in a shared buffer, the third of which is damaged, and what is asked about it. */
function scene() {
  const dataKey = newDataKey()
  const plaintext = randomBytes(SEGMENTS * SEGMENT_SIZE)
  const shared = new SharedArrayBuffer(encryptedBodySize(plaintext.length))
  const body = new Uint8Array(shared)
  sealSegments(dataKey, plaintext, body)
  body[2 * ENCRYPTED_SEGMENT_SIZE + 50]! ^= 1
  const etag = createHash('md5').update(body).digest('hex')
  const segments = (): Question => ({
    about: 'segments',
    question: { dataKeys: [Uint8Array.from(dataKey)], editList: undefined, segments: SEGMENTS },
  })
  return {
    shared,
    segments,
    etag: { about: 'etag', question: { etag, layouts: undefined } } satisfies Question,
  }
}

/** Hands over the whole body in pieces of a segment, without waiting between. */
async function answer(check: Check, shared: SharedArrayBuffer) {
  const updates = Array.from({ length: SEGMENTS }, (_, index) => {
    const start = index * ENCRYPTED_SEGMENT_SIZE
    return check.update({ shared, start, end: start + ENCRYPTED_SEGMENT_SIZE })
  })
  const [ended] = await Promise.all([check.end(), ...updates])
  return ended
}

describe.each([0, 1, 2])('checks on %i threads', (threads) => {
  it('take their pieces in order, several at the same time', async () => {
    const { shared, segments, etag } = scene()
    const pool = new CheckThreads(threads)
    try {
      const size = shared.byteLength
      const answers = await Promise.all(
        [segments(), etag, segments(), etag].map((question) => answer(pool.begin(question, size), shared)),
      )
      const damaged = {
        answer: { checked: 5, badCount: 1, bad: [{ first: 2, count: 1 }], sha256: undefined },
      }
      const matches = { answer: { verdict: 'matches' } }
      expect(answers).toMatchObject([damaged, matches, damaged, matches])
    } finally {
      await pool.close()
    }
  })

  it('fail by themselves when they are given too little, and the others go on', async () => {
    const { shared, segments, etag } = scene()
    const pool = new CheckThreads(threads)
    try {
      const size = shared.byteLength
      const short = pool.begin(segments(), size)
      await short.update({ shared, start: 0, end: ENCRYPTED_SEGMENT_SIZE })
      await expect(short.end()).rejects.toThrow(/1 of 5 segments/)
      const dropped = pool.begin(etag, size)
      dropped.drop()
      dropped.drop()
      expect(await answer(pool.begin(etag, size), shared)).toMatchObject({ answer: { verdict: 'matches' } })
    } finally {
      await pool.close()
    }
  })
})

it('a thread that is gone fails what is asked of it', async () => {
  const { shared, etag } = scene()
  const pool = new CheckThreads(1)
  const check = pool.begin(etag, shared.byteLength)
  const waiting = answer(check, shared).catch((error: unknown) => error)
  await pool.close()
  await waiting
  await expect(check.end()).rejects.toThrow(/worker thread ended/)
})
