import type { IncomingHttpHeaders } from 'node:http'
import type { Access } from './access/authorize.ts'
import type { Identity, Projects } from './projects.ts'
import type { RequestBody } from './request-body.ts'
import type { OperationName } from './routes.ts'
import type { Rules } from './rules.ts'
import type { Bucket } from './state/bucket.ts'
import type { Buckets } from './state/buckets.ts'
import type { ContentPiece } from './state/records.ts'

/** What every operation works on. */
export interface Service {
  readonly buckets: Buckets
  readonly projects: Projects
  readonly rules: Rules
}

/** A request whose sender is known. */
export interface S3Request {
  readonly operation: OperationName
  /** As addressed: `name` or `tenant:name`. */
  readonly bucketName: string
  readonly objectKey: string
  readonly query: ReadonlyMap<string, string>
  readonly headers: IncomingHttpHeaders
  readonly identity: Identity
  readonly now: Date
  readonly body: RequestBody
}

/** A request on a bucket that exists, whose sender may do what it asks. */
export interface BucketRequest extends S3Request {
  readonly bucket: Bucket
  /** For what else the operation touches: the source of a copy, the single keys of DeleteObjects. */
  readonly accessTo: (bucket: Bucket) => Access
}

/** What is sent back; at most one of `text` and `content`. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text?: string
  /** A range of an object's bytes. */
  readonly content?: { pieces: readonly ContentPiece[]; offset: number; length: number }
}

export type ServiceOperation = (request: S3Request, service: Service) => Answer | Promise<Answer>
export type BucketOperation = (request: BucketRequest, service: Service) => Answer | Promise<Answer>

export function emptyAnswer(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers }
}

export function xmlAnswer(text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, text }
}
