import { setTimeout as delay } from 'node:timers/promises'
import type { OperationName } from './routes.ts'
import { S3Error } from './s3-error.ts'

/** What a fault is decided by. */
export interface FaultRequest {
  operation: OperationName
  bucket: string
  objectKey: string
  partNumber?: number | undefined
  /** Of temporary credentials: lets them end. */
  sessionToken?: string | undefined
  /** How often this very request was seen, this time included: 1, 2, … */
  attempt: number
}

/**
 * What goes wrong: an error status; a connection closed without an answer; a body cut after so many bytes (of the
 * answer, or of what is stored); an ETag that is not the object's; an answer that comes late.
 */
export type Fault =
  | { kind: 'status'; status: number; code: string; retryAfter?: number | undefined }
  | { kind: 'reset' }
  | { kind: 'truncate'; bytes: number }
  | { kind: 'wrong-etag' }
  | { kind: 'stall'; ms: number }

/** Decides for each request whether something goes wrong. For tests of transfers. */
export type Faults = (request: FaultRequest) => Fault | undefined

/** Thrown for the connection to be closed without an answer. */
export class ConnectionReset extends Error {
  constructor() {
    super('the connection is reset on purpose')
    this.name = 'ConnectionReset'
  }
}

/** Counts attempts and asks the faults of one sandbox. */
export class FaultPlan {
  readonly #faults: Faults | undefined
  readonly #attempts = new Map<string, number>()

  constructor(faults: Faults | undefined) {
    this.#faults = faults
  }

  /** `distinguishing` tells apart requests that are otherwise equal, such as ranges. */
  next(request: Omit<FaultRequest, 'attempt'>, distinguishing: string): Fault | undefined {
    if (this.#faults === undefined) return undefined
    const name = JSON.stringify([
      request.operation,
      request.bucket,
      request.objectKey,
      request.partNumber,
      distinguishing,
    ])
    const attempt = (this.#attempts.get(name) ?? 0) + 1
    this.#attempts.set(name, attempt)
    return this.#faults({ ...request, attempt })
  }
}

/** Plays the faults that strike before an operation begins. Throws S3Error or ConnectionReset. */
export async function strikeBefore(fault: Fault | undefined, signal: AbortSignal): Promise<void> {
  switch (fault?.kind) {
    case 'status': {
      const { code, status, retryAfter } = fault
      throw new S3Error({ code, status }, 'a fault was asked for', {
        ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      })
    }
    case 'reset':
      throw new ConnectionReset()
    case 'stall':
      await delay(fault.ms, undefined, { signal })
      return
    case 'truncate':
    case 'wrong-etag':
    case undefined:
      return
  }
}
