import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { AppError } from '../util/errors.ts'
import { Exchange, type ExchangeSettings } from './exchange.ts'
import { FaultPlan, type Faults } from './faults.ts'
import type { AnsweredNotice, RequestNotice } from './notices.ts'
import { Projects, type SandboxProject } from './projects.ts'
import { bucketOperations } from './operations/registry.ts'
import type { PersonalityName } from './personality/names.ts'
import { personalities } from './personality/personalities.ts'
import { Buckets } from './state/buckets.ts'
import { claimDirectory } from './state/directory.ts'

/** The sandbox talks to this machine only. */
const host = '127.0.0.1'
/** Milliseconds an idle connection stays open; longer than clients keep theirs, so that none is cut while in use. */
const keepAliveTimeout = 65_000
/** Bytes of request headers: a thousand metadata headers are refused by their own rule, not by the parser. */
const maxHeaderSize = 64 * 1024

export interface SandboxOptions {
  /** Where everything is kept: a new or empty folder, or one of an earlier sandbox, whose state is read back. */
  directory: string
  projects: readonly SandboxProject[]
  /** Any free port when 0 or absent. */
  port?: number | undefined
  /** The server to imitate; `rgw` when absent. A folder can be opened again only by one that calls projects alike. */
  personality?: PersonalityName | undefined
  /** The clock, for signatures, expiry and conditions. */
  now?: (() => Date) | undefined
  faults?: Faults | undefined
  /**
   * For measuring clients: bodies are checked and hashed as ever, then thrown away, and every object reads as zeros.
   * The `Server` header of each answer says so. Needs a new or empty folder, which no sandbox opens again.
   */
  discard?: boolean | undefined
  /** Called when the sender is known and before anything is done; the request waits for it. */
  beforeRequest?: ((request: RequestNotice) => void | Promise<void>) | undefined
  /** Called when the answer was sent or the connection broke. */
  onRequest?: ((request: AnsweredNotice) => void) | undefined
  /** Called with what became a 500: a bug of the sandbox, or a disk that failed it. */
  onFailure?: ((error: unknown) => void) | undefined
}

export interface Sandbox {
  /** Such as `http://127.0.0.1:34567`. */
  endpoint: string
  /** Closes all connections and waits until nothing is written any more. */
  close(): Promise<void>
}

/**
 * Starts an S3 server for practice, demo and tests on 127.0.0.1. It enforces signatures, ACLs and bucket policies as
 * Ceph RGW does, or has the ways of another server (docs/sandbox.md), over plain HTTP and without any promise to keep
 * what is put into it.
 * Throws USAGE for a port in use or a folder of something else, INTEGRITY for a damaged one.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { directory, discard = false } = options
  const personality = personalities[options.personality ?? 'rgw']
  const { rules } = personality
  claimDirectory(directory, { discard, accounts: rules.accounts.kind })
  const settings: ExchangeSettings = {
    service: {
      buckets: new Buckets(directory, discard),
      projects: new Projects(options.projects, rules.accounts),
      rules,
    },
    bucketOperations: { ...bucketOperations, ...personality.operations },
    serverName: serverName(options.personality ?? 'rgw', discard),
    now: options.now ?? (() => new Date()),
    faults: new FaultPlan(options.faults),
    beforeRequest: options.beforeRequest,
    onRequest: options.onRequest,
    onFailure: options.onFailure,
  }
  const pending = new Set<Promise<void>>()
  const answer = (expectsContinue: boolean) => (message: IncomingMessage, response: ServerResponse) => {
    const exchange = new Exchange(settings, message, response, expectsContinue).run()
    pending.add(exchange)
    void exchange.finally(() => pending.delete(exchange))
  }
  // A multi-gigabyte part may take longer than Node's five minutes for a whole request.
  const server = createServer({ keepAliveTimeout, maxHeaderSize, requestTimeout: 0 }, answer(false))
  // The client waits for our go-ahead before it sends the body: it gets it when an operation reads the body.
  server.on('checkContinue', answer(true))
  const port = await listen(server, options.port ?? 0)
  return {
    endpoint: `http://${host}:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      })
      server.closeAllConnections()
      await closed
      await Promise.allSettled(pending)
    },
  }
}

/** What the Server header says: clients may tell by it what they talk to. */
function serverName(personality: PersonalityName, discard: boolean): string {
  const remarks = [
    ...(personality === 'rgw' ? [] : [personality]),
    ...(discard ? ['discards all content'] : []),
  ]
  return remarks.length === 0 ? 'sealift-sandbox' : `sealift-sandbox (${remarks.join('; ')})`
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new AppError('USAGE', `port ${port} of ${host} can't be used`, {
          hints: ['choose another port'],
          cause,
        }),
      )
    })
    server.listen({ host, port, exclusive: true }, resolve)
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}
