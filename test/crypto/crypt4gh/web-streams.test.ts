import { beforeAll, describe, expect, it } from 'vitest'
import { decryptTransform, encryptTransform } from '../../../src/crypto/crypt4gh/web-streams.ts'
import { encryptStream } from '../../../src/crypto/crypt4gh/crypt4gh.ts'
import { SEGMENT_SIZE } from '../../../src/crypto/crypt4gh/format.ts'
import { generateKeyPair } from '../../../src/crypto/keys/key-pair.ts'
import type { KeyPair } from '../../../src/crypto/keys/key-pair.ts'
import { chunked, collect, plain } from '../vectors.ts'

const MIB = 1_048_576
let alice: KeyPair
beforeAll(async () => {
  alice = await generateKeyPair()
})

describe('Web streams', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, 3 * MIB + 17])('%i bytes go through and come back', async (size) => {
    const plaintext = plain(size)
    const source = ReadableStream.from(chunked(plaintext, 100_000))
    const back = source
      .pipeThrough(encryptTransform([alice.publicKey]))
      .pipeThrough(decryptTransform([alice]))
    expect(Buffer.compare(await collect(back), plaintext)).toBe(0)
  })

  it('a slow reader stops the writer: nothing piles up', async () => {
    let given = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given += 1
        yield new Uint8Array(MIB)
      }
    }
    const encrypted = ReadableStream.from(endless()).pipeThrough(encryptTransform([alice.publicKey]))
    const reader = encrypted.getReader()
    await reader.read()
    await reader.read()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(given).toBeLessThan(10)
    await reader.cancel()
  })

  it('a reader that leaves closes the source, even while that has nothing to give', async () => {
    let left: unknown
    const stalled = new ReadableStream<Uint8Array>({
      cancel(reason) {
        left = reason
      },
    })
    const reader = stalled.pipeThrough(encryptTransform([alice.publicKey])).getReader()
    expect((await reader.read()).value).toHaveLength(124)
    await reader.cancel('enough')
    await expect.poll(() => left).toBe('enough')
  })

  it('what damages the file fails the stream with its code, and closes the source', async () => {
    let closed = false
    const file = await collect(encryptStream(chunked(plain(3 * SEGMENT_SIZE)), [alice.publicKey]))
    file[124 + 70_000]! ^= 1
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield file
        for (;;) yield new Uint8Array(MIB)
      } finally {
        closed = true
      }
    }
    const opened = ReadableStream.from(source()).pipeThrough(decryptTransform([alice]))
    await expect(collect(opened)).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    await expect.poll(() => closed).toBe(true)
  })

  it('an error of the source comes through', async () => {
    const broken = new TypeError('the network went away')
    async function* source(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10)
      throw broken
    }
    const encrypted = ReadableStream.from(source()).pipeThrough(encryptTransform([alice.publicKey]))
    await expect(collect(encrypted)).rejects.toBe(broken)
  })

  it('a recipient that protects nothing fails before the first byte, and closes the source', async () => {
    let left: unknown
    const source = new ReadableStream<Uint8Array>({
      cancel(reason) {
        left = reason
      },
    })
    const encrypted = source.pipeThrough(encryptTransform([new Uint8Array(32)]))
    await expect(encrypted.getReader().read()).rejects.toMatchObject({ code: 'INVALID_KEY' })
    await expect.poll(() => left).toMatchObject({ code: 'INVALID_KEY' })
  })

  it('an unexpected sender is refused', async () => {
    const file = await collect(encryptStream(chunked(plain(10)), [alice.publicKey]))
    const opened = ReadableStream.from(chunked(file)).pipeThrough(
      decryptTransform([alice], { senders: [alice.publicKey] }),
    )
    await expect(collect(opened)).rejects.toMatchObject({ code: 'UNEXPECTED_SENDER' })
  })

  it('the sender may be named', async () => {
    const sender = await generateKeyPair()
    const encrypted = ReadableStream.from(chunked(plain(10))).pipeThrough(
      encryptTransform([alice.publicKey], { sender }),
    )
    expect((await collect(encrypted)).slice(24, 56)).toEqual(sender.publicKey)
  })
})
