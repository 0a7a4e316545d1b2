import {
  GetBucketAclCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { StorageError } from '../../errors.ts'
import type { RequestOptions } from '../../object-store.ts'
import type { ProviderName } from '../../provider/provider.ts'
import { type AnswerHeaders, providerOfHeaders } from '../../provider/recognise.ts'
import { createS3Client } from '../client.ts'
import type { ConnectionSettings, Credentials } from '../connection.ts'
import { freshCredentials } from '../fresh-credentials.ts'
import { request } from '../request.ts'
import { bodyRoot } from './body-root.ts'

/** What a server answered to one request, whatever the SDK makes of it. */
interface ProbeAnswer {
  /** HTTP status; undefined when there was no answer. */
  status: number | undefined
  /** Name of the XML document's outermost element, `{` for JSON, undefined for anything else. */
  root: string | undefined
  /** The refusal, or what could not be read. */
  failure: StorageError | undefined
}

/** Who the server takes the caller for. */
export interface Caller extends ProbeAnswer {
  /** What kind of server its answer looks like. */
  provider: ProviderName | undefined
  /** Canonical id that ListBuckets names as the owner; undefined where it names none. */
  ownerId: string | undefined
  buckets: readonly string[]
}

/** Sub-resources that are asked for: read-only, and among the requests sealift sends anyhow. */
export type ReadableSubResource = 'policy' | 'acl' | 'versioning'

/** Single requests whose bare answer tells what a server is able to do. One at a time. */
export interface ServerProbe {
  /** ListBuckets. */
  caller(options?: RequestOptions): Promise<Caller>
  /** Lists at most one object of a bucket; `found` when the answer is of this bucket. */
  listing(bucket: string, options?: RequestOptions): Promise<ProbeAnswer & { found: boolean }>
  subResource(bucket: string, name: ReadableSubResource, options?: RequestOptions): Promise<ProbeAnswer>
  /** PutObject with an `x-amz-checksum-sha256` that is another body's. */
  putWithWrongChecksum(bucket: string, objectKey: string, options?: RequestOptions): Promise<ProbeAnswer>
  close(): void
}

/** MinIO names one owner for everybody's buckets (cmd/api-response.go, globalMinioDefaultOwnerID). */
const MINIO_OWNER = '02d6176db174dc93cb1b899f7c6078f08654445fe8cf1b6ce98d8855f66bdbf4'

/** SHA-256 of nothing, in base64: that of no body which is sent here. */
const OTHER_SHA256 = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='

/** Bytes of an answer that are looked at. */
const BODY_LIMIT = 4 * 1024 * 1024

/** @param settings - `forcePathStyle` decides how buckets are addressed */
export function createServerProbe(settings: ConnectionSettings): ServerProbe {
  const { credentials } = settings
  const client = createS3Client(settings, credentials === 'anonymous' ? undefined : fresh(credentials))
  const seen = watchAnswers(client)

  const ask = async <Output>(
    operation: string,
    options: RequestOptions | undefined,
    call: (settings: { abortSignal?: AbortSignal }) => Promise<Output>,
  ): Promise<{ answer: ProbeAnswer; output: Output | undefined }> => {
    seen.status = undefined
    seen.root = undefined
    let output: Output | undefined
    let failure: StorageError | undefined
    try {
      output = await request({ operation }, options, call)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      failure = error
    }
    return { answer: { status: seen.status, root: seen.root, failure }, output }
  }

  return {
    async caller(options) {
      const { answer, output } = await ask('ListBuckets', options, (send) =>
        client.send(new ListBucketsCommand({}), send),
      )
      const ownerId = output?.Owner?.ID
      return {
        ...answer,
        provider: providerOfHeaders(seen.headers),
        ownerId: ownerId === '' || ownerId === MINIO_OWNER ? undefined : ownerId,
        buckets: (output?.Buckets ?? []).map(({ Name }) => Name).filter((name) => name !== undefined),
      }
    },
    async listing(bucket, options) {
      const { answer, output } = await ask('ListObjectsV2', options, (send) =>
        client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }), send),
      )
      return { ...answer, found: answer.root === 'ListBucketResult' && output?.Name === bucket }
    },
    async subResource(bucket, name, options) {
      const { answer } = await ask(`GetBucket ?${name}`, options, (send) =>
        sendSubResource(client, bucket, name, send),
      )
      return answer
    },
    async putWithWrongChecksum(bucket, objectKey, options) {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: objectKey,
        Body: Buffer.from('a body with the checksum of another'),
        ChecksumSHA256: OTHER_SHA256,
      })
      const { answer } = await ask('PutObject', options, (send) => client.send(command, send))
      return answer
    },
    close() {
      client.destroy()
    },
  }
}

function sendSubResource(
  client: S3Client,
  bucket: string,
  name: ReadableSubResource,
  settings: { abortSignal?: AbortSignal },
): Promise<unknown> {
  switch (name) {
    case 'policy':
      return client.send(new GetBucketPolicyCommand({ Bucket: bucket }), settings)
    case 'acl':
      return client.send(new GetBucketAclCommand({ Bucket: bucket }), settings)
    case 'versioning':
      return client.send(new GetBucketVersioningCommand({ Bucket: bucket }), settings)
  }
}

interface SeenAnswer {
  status: number | undefined
  root: string | undefined
  headers: AnswerHeaders
}

/** Notes each answer, and its outermost element before the SDK reads it by what it expects. */
function watchAnswers(client: S3Client): SeenAnswer {
  const seen: SeenAnswer = { status: undefined, root: undefined, headers: {} }
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { response } = result
      if (isResponse(response)) {
        const body = await bytesOf(response.body)
        response.body = body
        seen.status = response.statusCode
        seen.root = bodyRoot(body)
        seen.headers = Object.fromEntries(
          Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), value]),
        )
      }
      return result
    },
    { step: 'deserialize', name: 'watchBodies', priority: 'low' },
  )
  return seen
}

function isResponse(
  response: unknown,
): response is { statusCode: number; headers: Record<string, string>; body: unknown } {
  return (
    typeof response === 'object' && response !== null && 'statusCode' in response && 'headers' in response
  )
}

async function bytesOf(body: unknown): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      length += chunk.length
      if (length > BODY_LIMIT) break
    }
  }
  return Buffer.concat(chunks)
}

function fresh(credentials: Credentials | (() => Promise<Credentials>)) {
  if (typeof credentials === 'function') return freshCredentials({ read: credentials })
  return freshCredentials({ first: credentials, read: async () => credentials })
}
