import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeAwsChunked, type Trailers } from '../../../src/sandbox/authenticate/aws-chunked.ts'
import type { SignatureChain } from '../../../src/sandbox/authenticate/payload-check.ts'
import { signature, signingKey } from '../../../src/sandbox/authenticate/sigv4.ts'

const scope = { day: '20130524', region: 'us-east-1' }
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

/** The chain of the example in "Signature calculations: transferring payload in multiple chunks" (S3 API). */
const chain: SignatureChain = {
  key: signingKey('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', scope),
  scope,
  date: '20130524T000000Z',
  seed: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
}

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += size)
    yield Buffer.from(bytes.subarray(offset, offset + size))
}

async function decode(
  bytes: Buffer,
  size: number,
  signed?: SignatureChain,
  trailers: Trailers = new Map(),
): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of decodeAwsChunked(cut(bytes, size), signed, trailers)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Writes a body as a client does, each chunk signed after the one before. */
function encode(chunks: readonly Uint8Array[]): Buffer {
  let previous = chain.seed
  const written = [...chunks, new Uint8Array()].map((chunk) => {
    const scopeText = `${scope.day}/${scope.region}/s3/aws4_request`
    const text = [
      'AWS4-HMAC-SHA256-PAYLOAD',
      chain.date,
      scopeText,
      previous,
      sha256(''),
      sha256(chunk),
    ].join('\n')
    previous = signature(chain.key, text)
    return Buffer.concat([
      Buffer.from(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ])
  })
  return Buffer.concat(written)
}

describe('an aws-chunked body', () => {
  it('signed as in the published example is accepted', async () => {
    const example = Buffer.concat([
      Buffer.from(
        '10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n',
      ),
      Buffer.alloc(65_536, 'a'),
      Buffer.from(
        '\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n',
      ),
      Buffer.alloc(1024, 'a'),
      Buffer.from(
        '\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
      ),
    ])
    expect(await decode(example, 1000, chain)).toEqual(Buffer.alloc(66_560, 'a'))
  })

  it('comes out the same however the network cuts it', async () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(chunks, fc.integer({ min: 1, max: 50 }), async (list, size) => {
        expect(await decode(encode(list), size, chain)).toEqual(Buffer.concat(list))
      }),
    )
  })

  it('is refused when any byte of it is changed', async () => {
    const body = encode([Buffer.from('some bytes'), Buffer.from('and some more')])
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 5), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(body)
        changed[at]! ^= flip
        const result = await decode(changed, 16, chain).catch(() => undefined)
        // A size may be written with other letters; the bytes are never others.
        expect(result === undefined || result.equals(Buffer.from('some bytesand some more'))).toBe(true)
      }),
    )
  })

  it('is refused when a chunk is left out, doubled or cut off', async () => {
    const parts = [Buffer.from('first'), Buffer.from('second')]
    const whole = encode(parts)
    const second = encode(parts).indexOf('6;chunk-signature')
    const end = whole.indexOf('0;chunk-signature')
    for (const wrong of [
      Buffer.concat([whole.subarray(0, second), whole.subarray(end)]),
      Buffer.concat([whole.subarray(0, end), whole.subarray(second)]),
      whole.subarray(0, end),
      whole.subarray(0, end + 30),
      whole.subarray(second),
    ]) {
      await expect(decode(wrong, 16, chain)).rejects.toMatchObject({ name: 'S3Error' })
    }
  })

  it('may have trailers instead of signatures', async () => {
    const trailers: Trailers = new Map()
    const body = Buffer.from('5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n')
    expect(String(await decode(body, 3, undefined, trailers))).toBe('hello')
    expect([...trailers]).toEqual([['x-amz-checksum-crc32', 'NhCmhg==']])
  })

  it.each([
    '',
    'hello',
    '-5\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello',
    '4\r\nhello\r\n0\r\n\r\n',
    `${'f'.repeat(5000)}\r\n`,
  ])('is not %j', async (body) => {
    await expect(decode(Buffer.from(body), 100)).rejects.toMatchObject({ name: 'S3Error' })
  })
})
