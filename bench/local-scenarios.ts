import { mkdirSync, symlinkSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { sha256 } from '../test/support/files.ts'
import { measure } from './measure.ts'
import type { Scenario, Subject } from './scenario.ts'
import { hasPeer, peerCommand, sealiftCommand, writeRandomFile } from './workplace.ts'
import type { Workplace } from './workplace.ts'

/** Local encryption and decryption of one file, beside the reference implementation. */
export async function localScenarios(workplace: Workplace, size: number): Promise<Scenario[]> {
  const { folder, path } = workplace
  const env = { HOME: folder }
  await writeRandomFile(path('plain'), size)
  const expected = await sha256(path('plain'))
  await measure(sealiftCommand(folder, ['key', 'generate', 'bench', '--no-passphrase', '--force'], env))

  const encrypt: Subject[] = [
    {
      name: 'sealift encrypt',
      prepare: () => rm(path('ours.c4gh'), { force: true }),
      command: () =>
        sealiftCommand(
          folder,
          ['encrypt', 'plain', '--output', 'ours.c4gh', '--to', 'bench.pub', '--force'],
          env,
        ),
    },
  ]
  const decrypt: Subject[] = [
    {
      name: 'sealift decrypt',
      prepare: () => rm(path('ours'), { force: true }),
      command: () =>
        sealiftCommand(
          folder,
          ['decrypt', 'ours.c4gh', '--output', 'ours', '--identity', 'bench.sec', '--force'],
          env,
        ),
      check: () => expectSame(path('ours'), expected),
    },
  ]
  if (hasPeer('crypt4gh')) {
    encrypt.push({
      name: 'crypt4gh encrypt (Python)',
      prepare: () => rm(path('theirs.c4gh'), { force: true }),
      command: () =>
        peerCommand('crypt4gh', folder, ['encrypt', '--recipient_pk', 'bench.pub'], {
          stdin: path('plain'),
          stdout: path('theirs.c4gh'),
        }),
    })
    decrypt.push({
      name: 'crypt4gh decrypt (Python)',
      prepare: () => rm(path('theirs'), { force: true }),
      command: () =>
        peerCommand('crypt4gh', folder, ['decrypt', '--sk', 'bench.sec'], {
          stdin: path('theirs.c4gh'),
          stdout: path('theirs'),
        }),
      check: () => expectSame(path('theirs'), expected),
    })
  }
  if (hasPeer('crypt4gh-go')) addGoTool(encrypt, decrypt, workplace, expected)
  encrypt.push(copyOf(folder, 'plain'))
  decrypt.push(copyOf(folder, 'ours.c4gh'))
  return [
    { title: 'encrypt a local file', size, subjects: encrypt },
    { title: 'decrypt a local file', size, subjects: decrypt },
  ]
}

/** The Go tool chooses its output's name itself and asks before it replaces a file: it works in a folder of its own. */
function addGoTool(encrypt: Subject[], decrypt: Subject[], { path }: Workplace, expected: string): void {
  const own = path('go')
  mkdirSync(own)
  symlinkSync(path('plain'), path('go', 'plain'))
  const run = (...args: string[]) => peerCommand('crypt4gh-go', own, args)
  encrypt.push({
    name: 'crypt4gh encrypt (Go)',
    command: () => run('encrypt', '-f', 'plain', '-p', path('bench.pub')),
    check: () => rename(path('go', 'plain.c4gh'), path('go', 'back.c4gh')),
  })
  decrypt.push({
    name: 'crypt4gh decrypt (Go)',
    command: () => run('decrypt', '-f', 'back.c4gh', '-s', path('bench.sec')),
    check: async () => {
      await expectSame(path('go', 'back'), expected)
      await rm(path('go', 'back'))
    },
  })
}

/** What the machine needs to read and write as many bytes, nothing else done to them. */
function copyOf(folder: string, file: string): Subject {
  const args = [`if=${file}`, 'of=copy', 'bs=1M', 'status=none']
  return {
    name: 'dd, a plain copy',
    command: () => ({ program: 'dd', args, cwd: folder, env: {} }),
    check: () => rm(join(folder, 'copy')),
  }
}

/** Throws when a file is not what it should be: a figure for a wrong result would be worth nothing. */
export async function expectSame(file: string, expected: string): Promise<void> {
  if ((await sha256(file)) !== expected) throw new Error(`${file} is not the original`)
}
