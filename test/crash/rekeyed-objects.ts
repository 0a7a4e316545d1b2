import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import type { Readable } from 'node:stream'

import {
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  NoSuchKey,
} from '@aws-sdk/client-s3'

import { decryptStream } from '../../src/crypto/crypt4gh/crypt4gh.ts'
import { parseHeader, type Header } from '../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../src/crypto/crypt4gh/open-header.ts'
import type { KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { sameBytes } from '../../src/util/bytes.ts'
import { inPieces } from './objects.ts'
import { hashOf, PARTIES, SAID, TAGS, type PartyName, type RekeyScene, type Template } from './rekey-scene.ts'

/** Where a copy of a template is, or was. */
export interface ObjectPlace {
  bucket: string
  objectKey: string
}

/** Who shall read an object afterwards, and under which data key. */
export interface Outcome {
  readers: readonly PartyName[]
  /** Whether the body is sealed anew. */
  newDataKey: boolean
}

/** What is under a name: nothing, the object as it was, a whole new one, or something that must never be there. */
export interface StoredState {
  state: 'absent' | 'old' | 'new' | 'wrong'
  /** Why it is wrong. */
  failure?: string
  /** Packets of the new header beyond what its readers need. */
  surplusPackets: number
  /** Bytes, of the new header. */
  headerLength: number
  dataKeys: readonly Uint8Array[]
}

/** Looks at an object past sealift, with a plain S3 client and everybody's keys. */
export async function stateOf(
  scene: RekeyScene,
  place: ObjectPlace,
  template: Template,
  outcome: Outcome,
  versionId?: string,
): Promise<StoredState> {
  const nothing = { surplusPackets: 0, headerLength: 0, dataKeys: [] }
  const object = await bytesOf(scene, place, versionId)
  if (object === undefined) return { ...nothing, state: 'absent' }
  if (hashOf(object) === template.sha256) return { ...nothing, state: 'old' }
  try {
    return { ...nothing, ...(await checkNew(scene, object, template, outcome)), state: 'new' }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    return { ...nothing, state: 'wrong', failure: `${object.length} bytes: ${failure}` }
  }
}

/** A new object: each of its readers opens the same data keys, nobody else any, and the plaintext is what it was. */
async function checkNew(
  { parties }: RekeyScene,
  object: Buffer,
  template: Template,
  { readers, newDataKey }: Outcome,
): Promise<Omit<StoredState, 'state'>> {
  const header = parseHeader(object)
  if ('needed' in header) throw new Error('it ends within its header')
  for (const name of PARTIES) {
    const opens = await canOpen(header, parties[name].keyPair)
    if (opens !== readers.includes(name)) throw new Error(`${name} ${opens ? 'opens' : 'does not open'} it`)
  }
  const [first] = readers
  const identity = parties[first!].keyPair
  const { dataKeys, editList } = await openHeader(header, [identity])
  const body = object.subarray(header.length)
  if (newDataKey) {
    const isOld = dataKeys.some((key) => template.dataKeys.some((old) => sameBytes(key, old)))
    if (isOld) throw new Error('it still has an old data key')
    const readable = await Promise.all(readers.map((name) => plaintextHash(object, parties[name].keyPair)))
    if (readable.some((hash) => hash !== template.plaintextSha256))
      throw new Error('it has another plaintext')
  } else {
    if (hashOf(body) !== template.bodySha256) throw new Error('it has another body')
    for (const name of readers) {
      const own = await openHeader(header, [parties[name].keyPair])
      const isWhole =
        own.dataKeys.length === template.dataKeys.length &&
        template.dataKeys.every((key) => own.dataKeys.some((other) => sameBytes(key, other))) &&
        (own.editList !== undefined) === template.hasEditList
      if (!isWhole) throw new Error(`${name} has other data keys, or another edit list`)
    }
    // The same body under the same data keys: only what is cut out of it could be other.
    const isOther =
      template.hasEditList && (await plaintextHash(object, identity)) !== template.plaintextSha256
    if (isOther) throw new Error('it has another plaintext')
  }
  const needed = readers.length * (dataKeys.length + (editList === undefined ? 0 : 1))
  return { surplusPackets: header.packets.length - needed, headerLength: header.length, dataKeys }
}

async function canOpen(header: Header, identity: KeyPair): Promise<boolean> {
  return openHeader(header, [identity]).then(
    () => true,
    () => false,
  )
}

async function plaintextHash(object: Buffer, identity: KeyPair): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of decryptStream(inPieces(object), [identity])) hash.update(bytes)
  return hash.digest('hex')
}

/** What an object says of itself, its size and tags, where they differ from what they have to be. */
export async function wrongAttributes(
  { s3, hasTags }: RekeyScene,
  { bucket, objectKey }: ObjectPlace,
  size: number | undefined,
): Promise<string[]> {
  const found = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: objectKey }))
  const wrong: string[] = []
  for (const name of ['ContentType', 'CacheControl', 'Metadata'] as const) {
    const [is, was] = [JSON.stringify(sorted(found[name])), JSON.stringify(sorted(SAID[name]))]
    if (is !== was) wrong.push(`${objectKey} has ${name} ${is}, not ${was}`)
  }
  if (size !== undefined && found.ContentLength !== size) {
    wrong.push(`${objectKey} has ${found.ContentLength} bytes, not ${size}`)
  }
  if (hasTags) {
    const { TagSet = [] } = await s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: objectKey }))
    const textOf = (tags: readonly { Key?: string | undefined; Value?: string | undefined }[]): string =>
      tags
        .map(({ Key, Value }) => `${Key}=${Value}`)
        .sort()
        .join()
    if (textOf(TagSet) !== textOf(TAGS)) wrong.push(`${objectKey} has the tags ${textOf(TagSet)}`)
  }
  return wrong
}

function sorted(value: string | Readonly<Record<string, string>> | undefined): unknown {
  return typeof value === 'object' ? Object.entries(value).sort() : value
}

/** The ids of all versions of an object that have bytes, newest first. */
export async function versionIds({ s3 }: RekeyScene, { bucket, objectKey }: ObjectPlace): Promise<string[]> {
  const request = { Bucket: bucket, Prefix: objectKey }
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand(request))
  return Versions.filter(({ Key }) => Key === objectKey).map(({ VersionId = '' }) => VersionId)
}

/** Deletes everything below a prefix, older versions too. */
export async function removeBelow({ s3 }: RekeyScene, bucket: string, prefix: string): Promise<void> {
  for (;;) {
    const request = { Bucket: bucket, Prefix: prefix }
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand(request))
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }))
    if (Objects.length === 0) return
    await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }))
  }
}

async function bytesOf(
  { s3 }: RekeyScene,
  { bucket, objectKey }: ObjectPlace,
  versionId: string | undefined,
): Promise<Buffer | undefined> {
  const version = versionId === undefined ? {} : { VersionId: versionId }
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: objectKey, ...version }))
    return await buffer(Body as Readable)
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined
    throw error
  }
}
