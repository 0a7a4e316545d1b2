import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3'

import { generateKeyPair, type KeyPair } from '../../src/crypto/keys/key-pair.ts'
import { serializePublicKey } from '../../src/crypto/keys/public-key-file.ts'
import { serializeSecretKey } from '../../src/crypto/keys/secret-key-file.ts'
import type { BackendPlan } from '../support/backends.ts'
import { createPerson, type Person } from '../support/cli.ts'
import { sha256 } from '../support/files.ts'
import { s3Client } from '../support/s3.ts'
import { startRecordingProxy, type RecordingProxy } from './recording-proxy.ts'

/** A server, somebody at a terminal, and files to move. */
export interface Scene {
  proxy: RecordingProxy
  /** Straight to the server. */
  s3: S3Client
  bucket: string
  person: Person
  /** Set as TMPDIR. */
  temporary: string
  /** Where the journals are. */
  stateFolder: string
  /** Files that only the test knows of, keys included; never searched. */
  backstage: string
  reader: KeyPair
  readerSecretFile: string
  readerPublicFile: string
  /** In every kilobyte of every source. */
  marker: Uint8Array
  sources: { path: string; sha256: string; size: number }[]
  /** Requests that an undisturbed run of each kind of transfer makes; measured by the first one. */
  usualRequests: Map<string, number>
  leave(): Promise<void>
}

/** @param sizes - of the sources, MiB */
export async function openScene(plan: BackendPlan, sizes: readonly number[]): Promise<Scene> {
  const backend = await plan.start()
  const proxy = await startRecordingProxy(backend.endpoint)
  const person = await createPerson(proxy.endpoint, backend.projects.group)
  const s3 = s3Client(backend.endpoint, backend.projects.group)
  const backstage = await mkdtemp(join(tmpdir(), 'sealift-crash-'))
  const temporary = join(backstage, 'tmp')
  await mkdir(temporary)
  const bucket = 'animine-data-crash'
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  const reader = await generateKeyPair()
  const readerSecretFile = join(backstage, 'reader.sec')
  const readerPublicFile = join(backstage, 'reader.pub')
  await writeFile(readerSecretFile, await serializeSecretKey(reader, {}), { mode: 0o600 })
  await writeFile(readerPublicFile, serializePublicKey(reader.publicKey))
  const marker = randomBytes(32)
  const sources: Scene['sources'] = []
  for (const size of sizes) sources.push(await writeSource(join(backstage, `source-${size}`), size, marker))
  return {
    proxy,
    s3,
    bucket,
    person,
    temporary,
    stateFolder: join(person.home, '.local', 'state', 'sealift', 'transfers'),
    backstage,
    reader,
    readerSecretFile,
    readerPublicFile,
    marker,
    sources,
    usualRequests: new Map(),
    async leave() {
      s3.destroy()
      await proxy.close()
      await person.leave()
      await backend.close()
      await rm(backstage, { recursive: true, force: true })
    },
  }
}

/** A file whose every kilobyte can be recognised, and of which no two segments are the same. */
async function writeSource(
  path: string,
  size: number,
  marker: Uint8Array,
): Promise<Scene['sources'][number]> {
  const block = randomBytes(1024 ** 2)
  for (let at = 0; at < block.length; at += 1024) block.set(marker, at + 16)
  const file = await open(path, 'wx')
  for (let index = 0; index < size; index += 1) {
    for (let at = 0; at < block.length; at += 1024) block.writeUInt32LE(index, at)
    await file.writeFile(block)
  }
  // Not a whole number of segments.
  await file.writeFile(randomBytes(4321))
  await file.close()
  return { path, sha256: await sha256(path), size: size * 1024 ** 2 + 4321 }
}
