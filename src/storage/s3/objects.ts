import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { Readable } from 'node:stream'
import { hasCode } from '../../util/errors.ts'
import { failure, type Where } from '../failure.ts'
import type {
  GetObjectOptions,
  ObjectBody,
  PutObjectOptions,
  RequestOptions,
  StoredObject,
} from '../object-store.ts'
import { rangeHeader } from './byte-range.ts'
import { checkedBody, expectedLength } from './object-body.ts'
import { request, unquoted } from './request.ts'
import { sendBody, type Wire } from './sent-body.ts'
import { signedSha256, signedWith } from './signed-sha256.ts'
import { versionIdOf } from './version-id.ts'

export async function getObject(
  client: S3Client,
  wire: Wire,
  bucket: string,
  objectKey: string,
  options: GetObjectOptions = {},
): Promise<ObjectBody> {
  const { range, ifMatch, signal } = options
  const where = { operation: 'GetObject', bucket, objectKey }
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: objectKey,
    ...(range === undefined ? {} : { Range: rangeHeader(range) }),
    ...(ifMatch === undefined ? {} : { IfMatch: `"${ifMatch}"` }),
  })
  const answer = await request(where, options, (settings) => client.send(command, settings))
  const body = bodyOf(answer, where)
  try {
    const etag = unquoted(answer.ETag) ?? ''
    // A server that ignores If-Match must not hand out another object's bytes.
    if (ifMatch !== undefined && etag !== ifMatch)
      throw failure('OBJECT_CHANGED', where, `its ETag is ${etag}`)
    const { length, size } = expectedLength(where, range, answer.ContentLength, answer.ContentRange)
    const destroy = (): void => {
      body.destroy()
    }
    return {
      length,
      size,
      etag,
      body: checkedBody(body, length, where, { pace: wire.pace, signal }),
      destroy,
    }
  } catch (error) {
    body.destroy()
    throw error
  }
}

export async function putObject(
  client: S3Client,
  wire: Wire,
  bucket: string,
  objectKey: string,
  body: Uint8Array,
  options: PutObjectOptions = {},
): Promise<StoredObject> {
  const { acl, contentType, ifAbsent } = options
  const where = { operation: 'PutObject', bucket, objectKey }
  const sha256 = signedSha256(where, wire, body, options.sha256)
  const { pace } = wire
  const answer = await sendBody(body, { pace, signal: options.signal }, (sent, signal) => {
    const input: PutObjectCommandInput = {
      Bucket: bucket,
      Key: objectKey,
      Body: sent,
      ContentLength: body.length,
      ...(acl === undefined ? {} : { ACL: acl }),
      ...(contentType === undefined ? {} : { ContentType: contentType }),
      ...(ifAbsent === true ? { IfNoneMatch: '*' } : {}),
    }
    const command = signedWith(new PutObjectCommand(input), sha256)
    return request(where, { signal }, (settings) => client.send(command, settings))
  })
  const etag = unquoted(answer.ETag)
  if (etag === undefined)
    throw failure('STORE_FAILURE', where, 'the answer has no ETag', {
      status: 200,
      retryable: true,
    })
  return { etag, versionId: versionIdOf(answer.VersionId) }
}

export async function deleteObject(
  client: S3Client,
  bucket: string,
  objectKey: string,
  options?: RequestOptions,
): Promise<void> {
  try {
    await request({ operation: 'DeleteObject', bucket, objectKey }, options, (settings) =>
      client.send(new DeleteObjectCommand({ Bucket: bucket, Key: objectKey }), settings),
    )
  } catch (error) {
    if (!hasCode(error, 'OBJECT_NOT_FOUND')) throw error
  }
}

function bodyOf(answer: GetObjectCommandOutput, where: Where): Readable {
  if (!(answer.Body instanceof Readable)) throw failure('STORE_FAILURE', where, 'the answer has no body')
  // A body that is destroyed before it is read must not end the process with an unheard error.
  return answer.Body.on('error', () => undefined)
}
