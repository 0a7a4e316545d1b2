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
import { headOf } from './object-head.ts'
import { serializeObjectHeaders } from './object-headers.ts'
import { serializeTags } from './object-tags.ts'
import { request, unquoted } from './request.ts'
import { sendBody, type Wire } from './sent-body.ts'
import { signedSha256, signedWith } from './signed-sha256.ts'
import { sentInUtf8 } from './utf8-headers.ts'
import { versionIdOf } from './version-id.ts'

export async function getObject(
  client: S3Client,
  wire: Wire,
  bucket: string,
  objectKey: string,
  options: GetObjectOptions = {},
): Promise<ObjectBody> {
  const { range, orLess, ifMatch, signal } = options
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
    const { ContentLength, ContentRange } = answer
    const { length, size } = expectedLength(where, range, ContentLength, ContentRange, orLess)
    const destroy = (): void => {
      body.destroy()
    }
    return {
      length,
      size,
      etag,
      head: headOf(answer, size),
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
  const { acl, contentType, headers, tags, ifAbsent } = options
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
      ...(headers === undefined ? {} : serializeObjectHeaders(headers)),
      ...(tags === undefined ? {} : { Tagging: serializeTags(tags) }),
      ...(ifAbsent === true ? { IfNoneMatch: '*' } : {}),
    }
    const signed = signedWith(new PutObjectCommand(input), sha256)
    const command = headers === undefined ? signed : sentInUtf8(signed)
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
