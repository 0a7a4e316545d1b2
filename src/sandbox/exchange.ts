import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Access } from './access/authorize.ts'
import { conditionContext } from './access/condition-context.ts'
import { requireRight } from './access/rights.ts'
import { authenticate } from './authenticate/authenticate.ts'
import { ConnectionReset, type Fault, type FaultPlan, strikeBefore } from './faults.ts'
import { headerText } from './http-headers.ts'
import type { AnsweredNotice, RequestNotice } from './notices.ts'
import { isServiceOperation, serviceOperations } from './operations/registry.ts'
import { refuseAbsent } from './refusals.ts'
import type { Answer, BucketOperation, S3Request, Service } from './request.ts'
import { RequestBody } from './request-body.ts'
import { parseRequestTarget } from './request-target.ts'
import { type BucketOperationName, findOperation } from './routes.ts'
import { S3Error } from './s3-error.ts'
import type { Bucket } from './state/bucket.ts'
import { buildErrorXml } from './xml.ts'

export interface ExchangeSettings {
  readonly service: Service
  readonly bucketOperations: Readonly<Record<BucketOperationName, BucketOperation>>
  /** What the Server header says. */
  readonly serverName: string
  readonly now: () => Date
  readonly faults: FaultPlan
  readonly beforeRequest: ((request: RequestNotice) => void | Promise<void>) | undefined
  readonly onRequest: ((request: AnsweredNotice) => void) | undefined
  readonly onFailure: ((error: unknown) => void) | undefined
}

/** Why what was still going on for a request ends. */
const closed = 'the connection is closed'

/** One request and its answer. */
export class Exchange {
  readonly #settings: ExchangeSettings
  readonly #message: IncomingMessage
  readonly #response: ServerResponse
  readonly #requestId = randomUUID()
  readonly #aborted = new AbortController()
  readonly #notice: RequestNotice
  /** The client sends its body only after a 100-continue that was not sent yet. */
  #awaitsContinue: boolean
  #fault: Fault | undefined

  constructor(
    settings: ExchangeSettings,
    message: IncomingMessage,
    response: ServerResponse,
    awaitsContinue: boolean,
  ) {
    this.#settings = settings
    this.#message = message
    this.#response = response
    this.#awaitsContinue = awaitsContinue
    this.#notice = { method: message.method ?? '', path: '', operation: '', project: undefined }
    response.once('close', () => {
      // A reason of our own: without one each request would pay for an exception with its stack.
      this.#aborted.abort(closed)
      settings.onRequest?.({ ...this.#notice, status: response.headersSent ? response.statusCode : 0 })
    })
  }

  /** Never rejects. */
  async run(): Promise<void> {
    try {
      await this.#send(await this.#answer())
    } catch (error) {
      this.#fail(error)
    }
  }

  async #answer(): Promise<Answer> {
    const { method = '', headers, url = '' } = this.#message
    const { service, beforeRequest, faults } = this.#settings
    const target = parseRequestTarget(url)
    this.#notice.path = target.path
    const { rules } = service
    const operation = findOperation(method, target, Object.keys(headers), rules.unknownSubResources)
    this.#notice.operation = operation
    const now = this.#settings.now()
    const { identity, payload } = authenticate(method, target, headers, service.projects, now)
    this.#notice.project = identity.anonymous ? undefined : identity.uid
    refuseAbsent({ operation, target, headers, payload }, rules)
    await beforeRequest?.({ ...this.#notice })

    const partNumber = Number(target.query.get('partNumber') ?? Number.NaN)
    this.#fault = faults.next(
      {
        operation,
        bucket: target.bucketName,
        objectKey: target.objectKey,
        partNumber: Number.isInteger(partNumber) ? partNumber : undefined,
        sessionToken: headerText(headers, 'x-amz-security-token'),
      },
      `${headers.range ?? ''} ${target.query.get('uploadId') ?? ''}`,
    )
    await strikeBefore(this.#fault, this.#aborted.signal)

    const body = new RequestBody(this.#message, payload, rules.checksums, () => {
      this.#sendContinue()
    })
    if (this.#fault?.kind === 'truncate') body.truncateAt = this.#fault.bytes
    const request: S3Request = { ...target, operation, headers, identity, now, body }
    if (isServiceOperation(operation)) return serviceOperations[operation](request, service)
    return this.#answerForBucket(request, operation)
  }

  async #answerForBucket(request: S3Request, operation: BucketOperationName): Promise<Answer> {
    const { service, bucketOperations } = this.#settings
    const { identity, query, objectKey } = request
    const bucket = service.buckets.find(request.bucketName, identity.tenant)
    if (bucket === undefined) throw new S3Error('NoSuchBucket', 'there is no such bucket')
    const context = conditionContext(request, this.#message.socket.remoteAddress ?? '')
    const accessTo = (other: Bucket): Access => new Access(other, { identity, context }, service.rules)
    const subject = {
      operation,
      objectKey,
      versionId: query.get('versionId'),
      uploadId: query.get('uploadId'),
    }
    requireRight(accessTo(bucket), bucket, subject, service.rules)
    return bucketOperations[operation]({ ...request, bucket, accessTo }, service)
  }

  async #send(answer: Answer): Promise<void> {
    const { content, text } = answer
    this.#writeHead(answer.status, answer.headers, text)
    if (this.#message.method === 'HEAD' || (content === undefined && text === undefined)) {
      this.#response.end()
    } else if (content === undefined) {
      this.#response.end(text)
    } else {
      await this.#stream(content)
    }
  }

  async #stream({ pieces, offset, length }: NonNullable<Answer['content']>): Promise<void> {
    const cut = this.#fault?.kind === 'truncate' ? Math.min(this.#fault.bytes, length) : length
    const bytes = Readable.from(this.#settings.service.buckets.content.read(pieces, offset, cut), {
      objectMode: false,
    })
    await pipeline(bytes, this.#response, { end: cut === length })
    // The length was announced: what is missing shows as a broken connection.
    if (cut < length) this.#response.destroy()
  }

  #fail(error: unknown): void {
    if (this.#response.destroyed) return
    if (error instanceof ConnectionReset || this.#response.headersSent) {
      this.#message.socket.destroy()
      return
    }
    // A body that was not read to its end would stand in the way of the next request.
    this.#message.resume()
    if (!(error instanceof S3Error)) this.#settings.onFailure?.(error)
    const refusal = error instanceof S3Error ? error : new S3Error('InternalError', 'the sandbox failed')
    const text = buildErrorXml(refusal, this.#notice.path, this.#requestId)
    this.#writeHead(refusal.status, { 'content-type': 'application/xml', ...refusal.headers }, text)
    this.#response.end(this.#message.method === 'HEAD' ? undefined : text)
  }

  #writeHead(status: number, headers: Readonly<Record<string, string>>, text: string | undefined): void {
    const etag = this.#fault?.kind === 'wrong-etag' && headers['etag'] !== undefined
    this.#response.writeHead(status, {
      server: this.#settings.serverName,
      date: this.#settings.now().toUTCString(),
      'x-amz-request-id': this.#requestId,
      ...headers,
      ...(etag ? { etag: '"00000000000000000000000000000000"' } : {}),
      ...(text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) }),
      // The body the client holds back would be taken for the next request.
      ...(this.#awaitsContinue ? { connection: 'close' } : {}),
    })
  }

  #sendContinue(): void {
    if (this.#awaitsContinue) this.#response.writeContinue()
    this.#awaitsContinue = false
  }
}
