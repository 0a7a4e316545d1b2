import { S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'

import type { Credentials } from './cli.ts'

/** A plain S3 client, to see what the server itself allows: nothing of sealift is between. */
export function s3Client(endpoint: string, { accessKeyId, secretAccessKey }: Credentials): S3Client {
  return new S3Client({
    endpoint,
    credentials: { accessKeyId, secretAccessKey },
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: new NodeHttpHandler({ requestTimeout: 30_000 }),
  })
}

/** The HTTP status of a request that the server refuses. Throws when it doesn't. */
export async function refusal(request: Promise<unknown>): Promise<number | undefined> {
  try {
    await request
  } catch (error) {
    if (error instanceof S3ServiceException) return error.$metadata.httpStatusCode
    throw error
  }
  throw new Error('the server did not refuse')
}
