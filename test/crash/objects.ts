import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import type { Readable } from 'node:stream'

import {
  AbortMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'

import { decryptStream, encryptStream } from '../../src/crypto/crypt4gh/crypt4gh.ts'
import { parseHeader } from '../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../src/crypto/crypt4gh/open-header.ts'
import type { Scene } from './scene.ts'

/** What is in the bucket, seen past sealift: with a plain S3 client and the reader's key. */
export interface StoredObjectCheck {
  /** Of the plaintext. */
  sha256: string | undefined
  /** Why it could not be read. */
  failure: string | undefined
  dataKeys: number
}

export async function checkObject(
  { s3, bucket, reader }: Scene,
  objectKey: string,
): Promise<StoredObjectCheck> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: objectKey }))
    const object = await buffer(Body as Readable)
    const header = parseHeader(object)
    if ('needed' in header) throw new Error('the object ends within its header')
    const { dataKeys } = await openHeader(header, [reader])
    const hash = createHash('sha256')
    for await (const bytes of decryptStream(inPieces(object), [reader])) hash.update(bytes)
    return { sha256: hash.digest('hex'), failure: undefined, dataKeys: dataKeys.length }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    return { sha256: undefined, failure, dataKeys: 0 }
  }
}

/** Aborts all unfinished uploads of the bucket; gives their ids. */
export async function abortUploads({ s3, bucket }: Pick<Scene, 's3' | 'bucket'>): Promise<string[]> {
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  for (const { Key, UploadId } of Uploads) {
    await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
  }
  return Uploads.map(({ UploadId = '' }) => UploadId)
}

export async function hasObject({ s3, bucket }: Scene, objectKey: string): Promise<boolean> {
  return s3.send(new HeadObjectCommand({ Bucket: bucket, Key: objectKey })).then(
    () => true,
    () => false,
  )
}

/** The data keys of a sealed header. */
export async function dataKeysOf({ reader }: Scene, sealed: Uint8Array): Promise<Uint8Array[]> {
  const header = parseHeader(sealed)
  if ('needed' in header) throw new Error('a header in the journal is not whole')
  return (await openHeader(header, [reader])).dataKeys
}

/** Puts an object there to be downloaded; gives its data keys and the bytes of its header. */
export async function putObject(
  scene: Scene,
  path: string,
  objectKey: string,
): Promise<{ dataKeys: Uint8Array[]; headerLength: number }> {
  const object = await buffer(encryptStream(createReadStream(path), [scene.reader.publicKey]))
  await scene.s3.send(new PutObjectCommand({ Bucket: scene.bucket, Key: objectKey, Body: object }))
  const header = parseHeader(object)
  if ('needed' in header) throw new Error('the object ends within its header')
  return { dataKeys: (await openHeader(header, [scene.reader])).dataKeys, headerLength: header.length }
}

/** What streams give of it. */
export async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1024 ** 2) yield bytes.subarray(at, at + 1024 ** 2)
}
