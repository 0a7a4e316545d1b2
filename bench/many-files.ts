import { randomFillSync } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { sha256Tree } from '../test/support/files.ts'
import { measure } from './measure.ts'
import { PLAIN_PEERS } from './plain-peers.ts'
import type { Scenario, Subject } from './scenario.ts'
import type { Site } from './site.ts'
import { hasPeer } from './workplace.ts'

/** A folder of `files` files of `size` bytes each. */
export interface FolderJob {
  files: number
  size: number
}

/** Files in one folder: some file systems mind ten thousand. */
const FILES_PER_FOLDER = 1000

export async function folderUploadScenario(site: Site, job: FolderJob): Promise<Scenario> {
  await writeFolder(site.workplace.path('plain'), job)
  const address = site.address('run/')
  const check = (): Promise<void> => site.remove('run/')
  const subjects: Subject[] = [
    {
      name: 'sealift upload, encrypted',
      command: () => site.sealift('upload', 'plain', address.url, '--to', 'bench.pub'),
      check,
    },
  ]
  for (const { program, title, uploadFolder } of PLAIN_PEERS) {
    if (!hasPeer(program)) continue
    subjects.push({
      name: `${title}, not encrypted`,
      command: () => site.peer(program, uploadFolder('plain', address)),
      check,
    })
  }
  return { title: `upload to ${site.title}`, size: job.files * job.size, files: job.files, subjects }
}

export async function folderDownloadScenario(site: Site, job: FolderJob): Promise<Scenario> {
  const { path } = site.workplace
  const expected = await sha256Tree(path('plain'))
  const [sealed, plain] = [site.address('sealed/'), site.address('plain/')]
  await measure(site.sealift('upload', 'plain', sealed.url, '--to', 'bench.pub'))
  const peers = PLAIN_PEERS.filter(({ program }) => hasPeer(program))
  const [first] = peers
  if (first !== undefined) await measure(site.peer(first.program, first.uploadFolder('plain', plain)))
  const check = async (): Promise<void> => {
    const found = await sha256Tree(path('received'))
    const wrong = Object.keys({ ...expected, ...found }).find((name) => expected[name] !== found[name])
    if (wrong !== undefined) throw new Error(`${wrong} is not the original`)
    await rm(path('received'), { recursive: true })
  }
  const subjects: Subject[] = [
    {
      name: 'sealift download, decrypted',
      command: () => site.sealift('download', sealed.url, 'received/', '--identity', 'bench.sec'),
      check,
    },
  ]
  for (const { program, title, downloadFolder } of peers) {
    subjects.push({
      name: `${title}, not encrypted`,
      command: () => site.peer(program, downloadFolder(plain, 'received')),
      check,
    })
  }
  return { title: `download from ${site.title}`, size: job.files * job.size, files: job.files, subjects }
}

/** Files of random bytes, a thousand to a folder. */
export async function writeFolder(folder: string, { files, size }: FolderJob): Promise<void> {
  const content = Buffer.allocUnsafe(size)
  for (let index = 0; index < files; index += 1) {
    const inner = join(folder, `lane-${Math.floor(index / FILES_PER_FOLDER)}`)
    if (index % FILES_PER_FOLDER === 0) await mkdir(inner, { recursive: true })
    await writeFile(join(inner, `tile-${index}.bin`), randomFillSync(content))
  }
}
