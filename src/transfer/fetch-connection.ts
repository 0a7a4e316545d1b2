import { connect, isIP, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { SignedRequest } from '../storage/object-store.ts'
import {
  brings,
  keepsAlive,
  LONGEST_HEAD,
  parseResponseHead,
  type ResponseHead,
  type WantedBytes,
} from './fetch-response.ts'

/** Milliseconds until a connection must stand, as for all other requests (storage/s3/client.ts). */
const CONNECT_TIMEOUT = 10_000

/** Where a body goes: the socket reads straight into this memory. */
export interface BodySink {
  /** Memory for the next bytes; never empty while some are missing. */
  room(): Uint8Array
  /** So many of its bytes are there now. What it throws ends the request. */
  filled(count: number): void
}

interface Exchange {
  wanted: WantedBytes
  sink: BodySink
  /** Known from the moment the body begins. */
  head: ResponseHead | undefined
  /** Bytes of the body that are missing. */
  missing: number
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * A connection that fetches ranges, one after the other, with nothing between the socket and their destination: no
 * stream, and no buffer for each chunk. It knows one answer, the wanted one; at any other it fails, and is of no more use.
 */
export class FetchConnection {
  readonly #socket: Socket
  readonly #head = new Uint8Array(LONGEST_HEAD)
  #headFilled = 0
  #exchange: Exchange | undefined
  #usable = true

  /**
   * @param origin - `http://host:port` or `https://host:port`
   * @param idleTimeout - seconds without a byte in either direction after which a request has failed
   */
  constructor(origin: string, idleTimeout: number) {
    const { protocol, hostname, port } = new URL(origin)
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const onread: OnReadOpts = {
      buffer: () => this.#room(),
      callback: (count) => {
        this.#take(count)
        return true
      },
    }
    const to = { host, port: Number(port), onread, keepAlive: true, noDelay: true }
    if (protocol === 'https:') {
      const servername = isIP(host) === 0 ? { servername: host } : {}
      this.#socket = connectTls({ ...to, ...servername, port: to.port || 443, ALPNProtocols: ['http/1.1'] })
    } else {
      this.#socket = connect({ ...to, port: to.port || 80 })
    }
    const notConnected = setTimeout(() => {
      this.destroy(new RangeError('no connection in time'))
    }, CONNECT_TIMEOUT)
    this.#socket.once('connect', () => {
      clearTimeout(notConnected)
    })
    this.#socket.setTimeout(idleTimeout * 1000, () => {
      this.destroy(new RangeError('the connection has gone silent'))
    })
    this.#socket.on('error', (error) => {
      this.destroy(error)
    })
    for (const event of ['end', 'close']) {
      this.#socket.once(event, () => {
        clearTimeout(notConnected)
        this.destroy(new RangeError('the connection was closed'))
      })
    }
  }

  /** Whether another request may follow. */
  get isUsable(): boolean {
    return this.#usable && this.#exchange === undefined
  }

  /** Rejects unless all the wanted bytes and no others went to the sink. */
  fetch({ target, headers }: SignedRequest, wanted: WantedBytes, sink: BodySink): Promise<void> {
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`)
    return new Promise((resolve, reject) => {
      if (!this.isUsable) throw new RangeError('the connection is at work, or closed')
      this.#headFilled = 0
      this.#exchange = { wanted, sink, head: undefined, missing: wanted.length, resolve, reject }
      this.#socket.write(`GET ${target} HTTP/1.1\r\n${lines.join('')}connection: keep-alive\r\n\r\n`)
    })
  }

  destroy(reason: unknown): void {
    this.#usable = false
    this.#socket.destroy()
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.reject(reason)
  }

  /** Where the socket shall put what comes next; never so much that bytes behind the body get among it. */
  #room(): Uint8Array {
    if (this.#exchange?.head === undefined) return this.#head.subarray(this.#headFilled)
    return this.#exchange.sink.room().subarray(0, this.#exchange.missing)
  }

  #take(count: number): void {
    const exchange = this.#exchange
    try {
      if (exchange === undefined) throw new RangeError('bytes that nobody asked for')
      if (exchange.head === undefined) this.#takeHead(exchange, count)
      else this.#takeBody(exchange, count)
    } catch (error) {
      this.destroy(error)
    }
  }

  #takeHead(exchange: Exchange, count: number): void {
    this.#headFilled += count
    const received = this.#head.subarray(0, this.#headFilled)
    const head = parseResponseHead(received)
    if (head === undefined) return
    if (!brings(head, exchange.wanted)) throw new RangeError('another answer than the wanted one')
    exchange.head = head
    for (let rest = received.subarray(head.bodyStart); rest.length > 0;) {
      if (rest.length > exchange.missing) throw new RangeError('bytes behind the body')
      const room = exchange.sink.room()
      const piece = rest.subarray(0, room.length)
      room.set(piece)
      rest = rest.subarray(piece.length)
      this.#takeBody(exchange, piece.length)
    }
  }

  #takeBody(exchange: Exchange, count: number): void {
    exchange.missing -= count
    exchange.sink.filled(count)
    if (exchange.missing > 0) return
    this.#exchange = undefined
    this.#headFilled = 0
    if (exchange.head === undefined || !keepsAlive(exchange.head)) this.destroy(undefined)
    exchange.resolve()
  }
}
