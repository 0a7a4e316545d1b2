import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { KeyPair } from '../../crypto/keys/key-pair.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { RequestGate } from '../../transfer/request-gate.ts'
import { SegmentCache } from '../../transfer/segment-cache.ts'
import { monotonicSeconds } from '../../util/clock.ts'
import { AppError } from '../../util/errors.ts'
import { namedObjects } from '../named-objects.ts'
import type { S3Location } from '../s3-url.ts'
import { writeAddressFile } from './address-file.ts'
import { answerRequests, type AnswerCounts } from './answer-requests.ts'
import { countedStore, type FetchCounts } from './counted-store.ts'
import { OpenedObjects } from './opened-objects.ts'
import { candidatesOf, servedPlace, type ServedPlace } from './served-names.ts'

/** The only address that is listened at: no flag opens it to the network. */
const LOOPBACK = '127.0.0.1'

/** Bytes of the token. */
const TOKEN_SIZE = 32

/** GETs on their way to the store at a time. Each brings 2 MiB at most. */
const MOST_FETCHES = 8

/** Connections at a time, each with a buffer of 256 KiB; browsers open six, programs one or two. */
const MOST_CONNECTIONS = 64

/** Milliseconds. A request must have arrived in time, however long its answer takes; silent connections make room soon. */
const TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 2000,
  /** Between two requests of a connection. */
  keepAliveTimeout: 60_000,
}

export interface ServeRequest {
  store: ObjectStore
  /** An object, or everything below a prefix. */
  place: S3Location
  identities: readonly KeyPair[]
  senders: readonly Uint8Array[] | undefined
  /** Whether objects that are not encrypted are given as they are. */
  plainToo: boolean
  /** Bytes of opened segments that are kept; at least 16 MiB. */
  memory: number
  /** 0 for any that is free. */
  port: number
  /** Origins of web pages that may read. */
  origins: readonly string[]
  /** A file that holds the address while it is served, for programs that wait for it. */
  addressFile?: string | undefined
  /** Told the address once it is listened at. */
  onListening: (address: string) => void
  /** Told, in a sentence for the person, what could not be answered. */
  onProblem: (message: string) => void
  /** Ends the serving, which is no failure. */
  signal: AbortSignal
}

/** What was served, after the end. */
export interface ServeResult extends AnswerCounts, FetchCounts {
  bucket: string
  objectKey: string
  seconds: number
  /** Pieces of segments that were read, and those among them that were in memory. */
  reads: number
  readsFromMemory: number
}

/**
 * Offers decrypted objects to programs on this machine, read-only, at an address with a random token, until the signal is
 * aborted. Opened segments and data keys are wiped then; the identities are the caller's.
 *
 * @throws AppError OBJECT_NOT_FOUND, USAGE (the port is taken, or an origin is none), what writeAddressFile throws, and for
 * a single object what opening it throws: NOT_CRYPT4GH, INVALID_HEADER, NO_MATCHING_KEY, UNEXPECTED_SENDER; StorageError
 */
export async function serveObjects(request: ServeRequest): Promise<ServeResult> {
  const { place, identities, senders, plainToo, signal } = request
  const startedAt = monotonicSeconds()
  const result: ServeResult = { ...place, seconds: 0, ...nothing() }
  const cache = new SegmentCache(request.memory)
  const store = countedStore(request.store, result)
  const served = servedPlace(place)
  const ended = new AbortController()
  const end = (): void => {
    ended.abort(signal.reason)
  }
  signal.addEventListener('abort', end, { once: true })
  const shared = {
    store,
    cache,
    gate: new RequestGate(MOST_FETCHES),
    onRead: (inMemory: boolean): void => {
      result.reads += 1
      if (inMemory) result.readsFromMemory += 1
    },
  }
  const objects = new OpenedObjects({
    ...{ bucket: place.bucket, identities, senders, plainToo, shared },
    signal: ended.signal,
  })
  try {
    await checkPlace(request, served, objects)
    await listenUntil(ended, request, { served, store, objects, counts: result })
  } catch (error) {
    // Who stops it before it listens has stopped it, too.
    if (!signal.aborted || error !== signal.reason) throw error
  } finally {
    signal.removeEventListener('abort', end)
    cache.close()
  }
  return { ...result, seconds: monotonicSeconds() - startedAt }
}

/** Fails at once where nothing could be served: a wrong name, a key that does not open the one object. */
async function checkPlace(
  { store, place, signal }: ServeRequest,
  served: ServedPlace,
  objects: OpenedObjects,
): Promise<void> {
  const any = namedObjects(store, place, signal)
  await any.next()
  await any.return()
  if (served.only !== undefined) await objects.openFirst(candidatesOf(served, served.only.path))
}

/** Serves until it is ended, and then until the last answer has been. */
async function listenUntil(
  ended: AbortController,
  request: ServeRequest,
  answering: { served: ServedPlace; store: ObjectStore; objects: OpenedObjects; counts: AnswerCounts },
): Promise<void> {
  const rules = {
    port: 0,
    token: randomBytes(TOKEN_SIZE).toString('base64url'),
    origins: new Set(request.origins.map(checkedOrigin)),
  }
  const { listener, settled } = answerRequests({ ...answering, rules, onProblem: request.onProblem })
  const server = createServer(TIMEOUTS, listener)
  server.maxConnections = MOST_CONNECTIONS
  rules.port = await listen(server, request.port)
  try {
    const path = encodeURIComponent(answering.served.only?.path ?? '')
    const address = `http://${LOOPBACK}:${rules.port}/${rules.token}/${path}`
    const removeFile = await addressInFile(request.addressFile, address)
    try {
      request.onListening(address)
      await aborted(ended.signal)
    } finally {
      await removeFile()
    }
  } finally {
    ended.abort()
    const closed = new Promise((resolve) => {
      server.close(resolve)
    })
    server.closeAllConnections()
    await closed
    await settled()
  }
}

async function addressInFile(path: string | undefined, address: string): Promise<() => Promise<void>> {
  return path === undefined ? async () => undefined : writeAddressFile(path, address)
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new AppError('USAGE', `port ${port} of ${LOOPBACK} can't be used`, {
          hints: ['choose another port, or leave it out for one that is free'],
          cause,
        }),
      )
    })
    server.listen({ host: LOOPBACK, port, exclusive: true }, resolve)
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true })
  })
}

/** Exactly as browsers send it: scheme, host and port, and nothing else. */
function checkedOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.origin === text) return text
  throw new AppError('USAGE', `not the origin of a web page: ${text}`, {
    hints: ['write scheme and host as in the address of the page, such as https://igv.org'],
  })
}

function nothing(): Omit<ServeResult, 'bucket' | 'objectKey' | 'seconds'> {
  return {
    ...{ requests: 0, refused: 0, servedBytes: 0, cutShort: 0 },
    ...{ fetches: 0, fetchedBytes: 0, reads: 0, readsFromMemory: 0 },
  }
}
