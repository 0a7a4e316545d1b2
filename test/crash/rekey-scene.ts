import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3ServiceException,
} from '@aws-sdk/client-s3'

import { parseHeader } from '../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../src/crypto/crypt4gh/open-header.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { serializePublicKey } from '../../src/crypto/keys/public-key-file.ts'
import { serializeSecretKey } from '../../src/crypto/keys/secret-key-file.ts'
import { edited, sealedFile } from '../crypto/crypt4gh/sealed-files.ts'
import type { BackendPlan } from '../support/backends.ts'
import { openScene, type Scene } from './scene.ts'

/** Somebody with a key pair, in files of no one's home folder. */
interface Party {
  keyPair: KeyPair
  secretFile: string
  publicFile: string
}

/** An object as it is before, of which each run gets a copy. */
export interface Template {
  /** Where it is kept. */
  source: string
  /** Below the prefix of a run. */
  name: string
  size: number
  /** Bytes. */
  headerLength: number
  /** SHA-256, hex: of all of it, of what follows the header, of the plaintext after its edit list. */
  sha256: string
  bodySha256: string
  plaintextSha256: string
  dataKeys: Uint8Array[]
  hasEditList: boolean
}

/** A server with objects for the owner and a former reader, and somebody at a terminal who has the owner's key. */
export interface RekeyScene extends Scene {
  /** Keeps what is overwritten. */
  versionedBucket: string
  parties: Record<PartyName, Party>
  templates: Template[]
  /** Whether the server has tags of objects. */
  hasTags: boolean
}

export const PARTIES = ['owner', 'former', 'carol', 'dan'] as const
export type PartyName = (typeof PARTIES)[number]

/** What every object says of itself. */
export const SAID = {
  ContentType: 'text/x-reads',
  CacheControl: 'no-store',
  Metadata: { sample: '8', lane: 'L002' },
} as const
export const TAGS = [
  { Key: 'study', Value: '12' },
  { Key: 'phase', Value: 'a b' },
]

const MIB = 1024 ** 2

/** What the objects are like: small ones are rewritten, larger ones copied; a key with a percent sign has to be streamed. */
const OBJECTS: readonly Omit<SealedKind, 'plaintextSize'>[] = [
  { name: 'small.c4gh', keys: 1 },
  { name: 'edited.c4gh', keys: 1, editList: [1000n, 500_000n, 70_000n, 3n] },
  { name: 'two keys, näyte 1+2.c4gh', keys: 2 },
  { name: 'reads.bam.c4gh', keys: 1 },
  { name: '100 %.c4gh', keys: 1 },
]

interface SealedKind {
  name: string
  plaintextSize: number
  keys: number
  editList?: readonly bigint[]
}

/** @param sizes - plaintext bytes of the objects, in the order of {@link OBJECTS}; those without one are left out */
export async function openRekeyScene(plan: BackendPlan, sizes: readonly number[]): Promise<RekeyScene> {
  const scene = await openScene(plan, [])
  try {
    return await furnish(scene, sizes)
  } catch (error) {
    await scene.leave()
    throw error
  }
}

async function furnish(scene: Scene, sizes: readonly number[]): Promise<RekeyScene> {
  const { s3, backstage, bucket } = scene
  const versionedBucket = `${bucket}-versions`
  await s3.send(new CreateBucketCommand({ Bucket: versionedBucket }))
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3.send(new PutBucketVersioningCommand({ Bucket: versionedBucket, VersioningConfiguration }))
  const parties = {
    owner: await createParty(backstage, 'owner'),
    former: await createParty(backstage, 'former'),
    carol: await createParty(backstage, 'carol'),
    dan: await createParty(backstage, 'dan'),
  }
  const templates: Template[] = []
  for (const [index, plaintextSize] of sizes.entries()) {
    const kind = { ...OBJECTS[index]!, plaintextSize }
    const readers = [parties.owner.keyPair, parties.former.keyPair]
    templates.push(await storeTemplate(scene, kind, readers, `template-${index}`))
  }
  const [first] = templates
  const hasTags = first !== undefined && (await takesTags(scene, first.source))
  return { ...scene, versionedBucket, parties, templates, hasTags }
}

async function createParty(folder: string, name: PartyName): Promise<Party> {
  const keyPair = await generateKeyPair()
  const secretFile = join(folder, `${name}.sec`)
  const publicFile = join(folder, `${name}.pub`)
  await writeFile(secretFile, await serializeSecretKey(keyPair, {}), { mode: 0o600 })
  await writeFile(publicFile, serializePublicKey(keyPair.publicKey))
  return { keyPair, secretFile, publicFile }
}

async function storeTemplate(
  { s3, bucket, marker }: Scene,
  { name, plaintextSize, keys, editList }: SealedKind,
  readers: readonly KeyPair[],
  source: string,
): Promise<Template> {
  const stored = markedBytes(plaintextSize, marker)
  const { header, body } = await sealedFile(stored, readers, keys, editList)
  const object = Buffer.concat([header, body])
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: source, Body: object, ...SAID }))
  const parsed = parseHeader(header)
  if ('needed' in parsed) throw new Error('the header is not whole')
  return {
    source,
    name,
    size: object.length,
    headerLength: header.length,
    sha256: hashOf(object),
    bodySha256: hashOf(body),
    plaintextSha256: hashOf(edited(stored, editList)),
    dataKeys: (await openHeader(parsed, readers)).dataKeys,
    hasEditList: editList !== undefined,
  }
}

/** Every kilobyte can be recognised, and no two segments are the same. */
function markedBytes(size: number, marker: Uint8Array): Buffer {
  const bytes = randomBytes(Math.min(size, MIB))
  const marked = Buffer.alloc(size)
  for (let at = 0; at < size; at += MIB) bytes.copy(marked, at, 0, Math.min(MIB, size - at))
  for (let at = 0; at + 1024 <= size; at += 1024) {
    marked.writeUInt32LE(at, at)
    marked.set(marker, at + 16)
  }
  return marked
}

async function takesTags({ s3, bucket }: Scene, objectKey: string): Promise<boolean> {
  const tagging = { Bucket: bucket, Key: objectKey, Tagging: { TagSet: TAGS } }
  try {
    await s3.send(new PutObjectTaggingCommand(tagging))
    return true
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === 'NotImplemented') return false
    throw error
  }
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
