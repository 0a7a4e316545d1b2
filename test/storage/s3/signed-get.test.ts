import { randomBytes } from 'node:crypto'
import { request, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterEach, expect, it } from 'vitest'
import type { SignedRequest } from '../../../src/storage/object-store.ts'
import { createMemoryStore } from '../../../src/storage/memory-store.ts'
import { withRetry } from '../../../src/storage/with-retry.ts'
import { type PracticeStore, startPracticeStore } from './practice-store.ts'
import { startScriptedServer } from './scripted-server.ts'

let practice: PracticeStore | undefined
afterEach(async () => {
  await practice?.close()
  practice = undefined
})

const objectKey = "run 12/ä+b?c#d&e=f%20(1)!'*.c4gh"
const bytes = randomBytes(1000)

it('a signed GET is one the store takes, whoever sends it', async () => {
  practice = await startPracticeStore()
  const store = withRetry(practice.store())
  await store.createBucket('bucket')
  const { etag = '' } = await store.putObject('bucket', objectKey, bytes)
  const options = { range: { offset: 100, length: 50 }, ifMatch: etag }
  const signed = await store.signedGet?.('bucket', objectKey, options)
  expect(signed).toMatchObject({ origin: practice.endpoint, idleTimeout: 60 })
  const answer = await sent(signed)
  expect(answer.statusCode).toBe(206)
  expect(answer.headers['content-range']).toBe('bytes 100-149/1000')
  expect((await buffer(answer)).equals(bytes.subarray(100, 150))).toBe(true)

  const otherwise = await store.signedGet?.('bucket', objectKey, { ...options, ifMatch: 'other' })
  expect((await sent(otherwise)).statusCode).toBe(412)
})

it('nothing is sent for it', async () => {
  const server = await startScriptedServer((_request, response) => response.end(), { idleTimeout: 7 })
  const range = { offset: 0, length: 1 }
  const signed = await server.store.signedGet?.('bucket', objectKey, { range, ifMatch: 'e' })
  expect(signed).toMatchObject({ origin: server.endpoint, idleTimeout: 7 })
  expect(server.requests).toHaveLength(0)
  await server.close()
})

it('an abort ends it, and a range must be one', async () => {
  practice = await startPracticeStore()
  const store = practice.store()
  const options = { range: { offset: 0, length: 1 }, ifMatch: 'e' }
  const signal = AbortSignal.abort(new RangeError('enough'))
  await expect(store.signedGet?.('bucket', 'x', { ...options, signal })).rejects.toThrow('enough')
  const none = { ...options, range: { offset: 0, length: 0 } }
  await expect(store.signedGet?.('bucket', 'x', none)).rejects.toThrow(RangeError)
})

it('there is none where a pace is to be kept, or nothing to send', async () => {
  practice = await startPracticeStore()
  const options = { range: { offset: 0, length: 1 }, ifMatch: 'e' }
  const paced = practice.store({ pace: { take: async () => undefined } })
  expect(await paced.signedGet?.('bucket', 'x', options)).toBeUndefined()
  expect(await withRetry(createMemoryStore()).signedGet?.('bucket', 'x', options)).toBeUndefined()
})

async function sent(signed: SignedRequest | undefined): Promise<IncomingMessage> {
  if (signed === undefined) throw new RangeError('nothing was signed')
  const { hostname, port } = new URL(signed.origin)
  const headers = Object.fromEntries(signed.headers)
  return new Promise((resolve, reject) => {
    request({ hostname, port, path: signed.target, headers, agent: false }, resolve).on('error', reject).end()
  })
}
