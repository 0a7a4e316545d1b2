import { ListBucketsCommand, type S3Client } from '@aws-sdk/client-s3'
import type { RequestOptions } from '../object-store.ts'
import { StorageError } from '../errors.ts'
import type { Provider } from '../provider/provider.ts'
import { providerNamed } from '../provider/providers.ts'
import { type AnswerHeaders, providerOfHeaders } from '../provider/recognise.ts'
import { request } from './request.ts'

/** Headers that may tell what kind of server answers; the others are not kept. */
const TELLING = ['server', 'x-amz-request-id', 'x-trans-id']

/** What a client's server is, by the answers it has given. */
export interface Recogniser {
  /** Sends a request only when nothing was answered yet. Throws what keeps the server from answering at all. */
  provider(options?: RequestOptions): Promise<Provider>
}

/** Watches a client's answers, refusals too: every server has the same headers on them. */
export function recogniseProvider(client: S3Client, configured: Provider | undefined): Recogniser {
  let seen: AnswerHeaders | undefined
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        const answer = await next(args)
        seen ??= tellingHeaders(answer.response)
        return answer
      } catch (error) {
        seen ??= tellingHeaders((error as { $response?: unknown }).$response)
        throw error
      }
    },
    { step: 'deserialize', name: 'watchAnswers', priority: 'high' },
  )
  return {
    async provider(options) {
      if (configured !== undefined) return configured
      if (seen === undefined) await askAnything(client, options)
      return providerNamed(providerOfHeaders(seen ?? {}) ?? 'generic')
    },
  }
}

/** A refusal tells as much as an answer. */
async function askAnything(client: S3Client, options: RequestOptions | undefined): Promise<void> {
  try {
    await request({ operation: 'ListBuckets' }, options, (settings) =>
      client.send(new ListBucketsCommand({}), settings),
    )
  } catch (error) {
    if (!(error instanceof StorageError) || error.status === undefined) throw error
  }
}

function tellingHeaders(response: unknown): AnswerHeaders | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined
  const headers = new Map(
    Object.entries(response.headers as Record<string, string>).map(([name, value]) => [
      name.toLowerCase(),
      value,
    ]),
  )
  return Object.fromEntries(TELLING.map((name) => [name, headers.get(name)]))
}
