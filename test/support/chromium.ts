/** Debian's Chromium without a window, driven over a pipe (Chrome DevTools Protocol): no driver, no port. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { findProgram } from './requirements.ts'

/** Nobody is to be called: a test browser has no updates to look for. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-pipe',
]

export interface Page {
  /** The value of an expression, awaited, as JSON has it. Throws what the page throws. */
  evaluate(expression: string): Promise<unknown>
}

export interface Chromium {
  /** Opens an address and waits until the page has loaded. */
  open(address: string): Promise<Page>
  close(): Promise<void>
}

interface Message {
  id?: number
  method?: string
  sessionId?: string
  result?: Record<string, unknown>
  error?: { message: string }
}

export async function startChromium(): Promise<Chromium> {
  const profile = await mkdtemp(join(tmpdir(), 'sealift-chromium-'))
  const child = spawn(findProgram('chromium')!, [...FLAGS, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve()
    }),
  )
  const protocol = connect(child.stdio[3] as Writable, child.stdio[4] as Readable)
  return {
    async open(address) {
      const { targetId } = await protocol.send('Target.createTarget', { url: 'about:blank' })
      const { sessionId } = await protocol.send('Target.attachToTarget', { targetId, flatten: true })
      const session = sessionId as string
      await protocol.send('Page.enable', {}, session)
      const loaded = protocol.once('Page.loadEventFired', session)
      await protocol.send('Page.navigate', { url: address }, session)
      await loaded
      return {
        async evaluate(expression) {
          const parameters = { expression, awaitPromise: true, returnByValue: true }
          const { result, exceptionDetails } = await protocol.send('Runtime.evaluate', parameters, session)
          if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
          return (result as { value: unknown }).value
        },
      }
    },
    async close() {
      await protocol.send('Browser.close', {})
      await ended
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

interface Protocol {
  send(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>>
  /** Resolves when the session's next event of that name comes. */
  once(method: string, sessionId: string): Promise<void>
}

/** Messages are JSON, each ended by a NUL. */
function connect(to: Writable, from: Readable): Protocol {
  const waiting = new Map<string, (message: Message) => void>()
  const fail = (): void => {
    for (const settle of waiting.values()) settle({ error: { message: 'Chromium has ended' } })
    waiting.clear()
  }
  let received = ''
  from.setEncoding('utf8')
  from.on('data', (chunk: string) => {
    const messages = (received + chunk).split('\0')
    received = messages.pop() ?? ''
    for (const text of messages) {
      const message = JSON.parse(text) as Message
      const name =
        message.id === undefined ? `${message.sessionId ?? ''} ${message.method ?? ''}` : `${message.id}`
      waiting.get(name)?.(message)
      waiting.delete(name)
    }
  })
  from.on('close', fail)
  to.on('error', fail)
  let sent = 0
  return {
    send(method, params, sessionId) {
      sent += 1
      const id = sent
      return new Promise((resolve, reject) => {
        waiting.set(`${id}`, ({ result, error }) => {
          if (error === undefined) resolve(result ?? {})
          else reject(new Error(`${method}: ${error.message}`))
        })
        to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
      })
    },
    once(method, sessionId) {
      return new Promise((resolve, reject) => {
        waiting.set(`${sessionId} ${method}`, ({ error }) => {
          if (error === undefined) resolve()
          else reject(new Error(error.message))
        })
      })
    },
  }
}
