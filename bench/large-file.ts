import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { sha256 } from '../test/support/files.ts'
import { expectSame } from './local-scenarios.ts'
import { measure } from './measure.ts'
import type { Command } from './measure.ts'
import { PLAIN_PEERS, RCLONE_UPLOAD } from './plain-peers.ts'
import type { Address } from './plain-peers.ts'
import type { Scenario, Subject } from './scenario.ts'
import type { Site } from './site.ts'
import { hasPeer, writeRandomFile } from './workplace.ts'

const OBJECT_KEY = 'large'

/** How much of the time is the server's, whoever asks. */
const BARE = 'bare requests from memory, unsigned'

/** Upload of one file, encrypted, beside the same file moved as it is, and beside encrypting into a pipe. */
export async function uploadScenario(site: Site, size: number): Promise<Scenario> {
  const { path } = site.workplace
  await writeRandomFile(path('plain'), size)
  const address = site.address(OBJECT_KEY)
  const check = (): Promise<void> => site.remove(OBJECT_KEY)
  const subjects: Subject[] = [
    {
      name: 'sealift upload, encrypted',
      command: () => site.sealift('upload', 'plain', address.url, '--to', 'bench.pub'),
      check,
    },
  ]
  for (const { program, title, upload } of PLAIN_PEERS) {
    if (!hasPeer(program)) continue
    subjects.push({
      name: `${title}, not encrypted`,
      command: () => site.peer(program, upload('plain', address)),
      check,
    })
  }
  if (hasPeer('crypt4gh') && hasPeer('rclone')) {
    subjects.push({
      name: 'crypt4gh encrypt | rclone rcat',
      command: () => [
        site.peer('crypt4gh', ['encrypt', '--recipient_pk', 'bench.pub'], { stdin: path('plain') }),
        site.peer('rclone', ['rcat', ...RCLONE_UPLOAD, `bench:${address.path}`]),
      ],
      check,
    })
  }
  subjects.push({ name: BARE, command: () => bareRequests(site, address, size), check })
  return { title: `upload to ${site.title}`, size, subjects }
}

/** The way back; the objects are put there before. */
export async function downloadScenario(site: Site, size: number): Promise<Scenario> {
  const { path } = site.workplace
  const expected = await sha256(path('plain'))
  const [sealed, plain] = [site.address('sealed.c4gh'), site.address('plain')]
  await measure(site.sealift('upload', 'plain', sealed.url, '--to', 'bench.pub'))
  const peers = PLAIN_PEERS.filter(({ program }) => hasPeer(program))
  const [first] = peers
  if (first !== undefined) await measure(site.peer(first.program, first.upload('plain', plain)))
  const check = async (): Promise<void> => {
    await expectSame(path('received'), expected)
    await rm(path('received'))
  }
  const subjects: Subject[] = [
    {
      name: 'sealift download, decrypted',
      command: () => site.sealift('download', sealed.url, 'received', '--identity', 'bench.sec'),
      check,
    },
  ]
  for (const { program, title, download } of peers) {
    subjects.push({
      name: `${title}, not encrypted`,
      command: () => site.peer(program, download(plain, 'received')),
      check,
    })
  }
  if (hasPeer('crypt4gh') && hasPeer('rclone')) {
    subjects.push({
      name: 'rclone cat | crypt4gh decrypt',
      command: () => [
        site.peer('rclone', ['cat', `bench:${sealed.path}`]),
        site.peer('crypt4gh', ['decrypt', '--sk', 'bench.sec'], { stdout: path('received') }),
      ],
      check,
    })
  }
  return { title: `download from ${site.title}`, size, subjects }
}

/** With sealift's environment and credentials, and nothing else of it. */
function bareRequests(site: Site, { path, endpoint }: Address, size: number): Command {
  const script = fileURLToPath(new URL('bare-requests.ts', import.meta.url))
  const [bucket = '', objectKey = ''] = path.split('/')
  return { ...site.sealift(), args: [script, endpoint, bucket, objectKey, String(size)] }
}
