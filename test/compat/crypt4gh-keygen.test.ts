import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePublicKeys, parseSecretKey } from '../../src/index.ts'
import type { SecretKeyFile } from '../../src/index.ts'
import { BINS, outputOf, runProgram } from '../support/programs.ts'
import type { ProgramRun } from '../support/programs.ts'
import { dialogue, HAS_TERMINAL } from '../support/terminal.ts'

let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sealift-keygen-'))
})
afterAll(async () => {
  await rm(home, { recursive: true })
})

const keygen = (args: string, input = '', env: Record<string, string> = {}): Promise<ProgramRun> =>
  runProgram([process.execPath, BINS['crypt4gh-keygen'], ...args.split(' ')], { home, input, env })

const secret = async (name: string, passphrase = ''): Promise<SecretKeyFile> =>
  parseSecretKey(await readFile(join(home, name)), name, async () => passphrase)

describe('crypt4gh-keygen', () => {
  it('makes a pair without a passphrase, warns, and lets only the owner read the secret key', async () => {
    const run = await keygen('--sk open.sec --pk open.pub --nocrypt -C lab')
    expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining('not encrypted') as string })
    const { keyPair, encrypted, comment } = await secret('open.sec')
    expect({ encrypted, comment }).toEqual({ encrypted: false, comment: 'lab' })
    const [recipient] = await parsePublicKeys(await readFile(join(home, 'open.pub')), 'open.pub')
    expect(recipient?.publicKey).toEqual(keyPair.publicKey)
    expect((await stat(join(home, 'open.sec'))).mode & 0o777).toBe(0o400)
    expect((await stat(join(home, 'open.pub'))).mode & 0o044).not.toBe(0)
  })

  it('takes the passphrase twice from stdin where there is no terminal', async () => {
    expect(await keygen('--sk a.sec --pk a.pub', 'open sesame\nopen sesame\n')).toMatchObject({ code: 0 })
    expect(await secret('a.sec', 'open sesame')).toMatchObject({ encrypted: true })
    expect(await keygen('--sk b.sec --pk b.pub', 'one\ntwo\n')).toMatchObject({ code: 1 })
    expect(await keygen('--sk b.sec --pk b.pub', 'one\n')).toMatchObject({ code: 2 })
    await expect(stat(join(home, 'b.sec'))).rejects.toThrow('ENOENT')
  })

  it('puts a pair where the environment says, or into ~/.c4gh, which it creates', async () => {
    await outputOf([process.execPath, BINS['crypt4gh-keygen'], '--nocrypt'], { home })
    expect(await secret('.c4gh/key')).toMatchObject({ encrypted: false })
    expect((await stat(join(home, '.c4gh'))).mode & 0o777).toBe(0o700)
    const env = { C4GH_SECRET_KEY: 'env.sec', C4GH_PUBLIC_KEY: '~/env.pub' }
    expect(await keygen('--nocrypt', '', env)).toMatchObject({ code: 0 })
    expect(await secret('env.sec')).toMatchObject({ encrypted: false })
    expect((await stat(join(home, 'env.pub'))).isFile()).toBe(true)
  })

  it('asks before it replaces anything, and a no is no success', async () => {
    const pair = '--sk kept.sec --pk kept.pub --nocrypt'
    expect(await keygen(pair)).toMatchObject({ code: 0 })
    const before = await secret('kept.sec')
    for (const answers of ['n\n', '', 'y\nn\n']) {
      expect(await keygen(pair, answers)).toMatchObject({ code: 1 })
      expect((await secret('kept.sec')).keyPair).toEqual(before.keyPair)
    }
    expect(await keygen(pair, 'y\ny\n')).toMatchObject({ code: 0 })
    const second = await secret('kept.sec')
    expect(second.keyPair).not.toEqual(before.keyPair)
    expect(await keygen(`-f ${pair}`)).toMatchObject({ code: 0 })
    expect((await secret('kept.sec')).keyPair).not.toEqual(second.keyPair)
  })

  it('relocks a key with another passphrase', async () => {
    expect(await keygen('--sk r.sec --pk r.pub -C lab', 'old\nold\n')).toMatchObject({ code: 0 })
    const before = await secret('r.sec', 'old')
    const old = { C4GH_PASSPHRASE: 'old' }
    expect(await keygen('--relock --sk r.sec', 'new\nnew\n', old)).toMatchObject({ code: 0 })
    expect(await secret('r.sec', 'new')).toEqual(before)
    expect(await keygen('--relock --sk r.sec', 'new\nnewer\nnewer\n')).toMatchObject({ code: 0 })
    expect(await secret('r.sec', 'newer')).toEqual(before)
    expect(await keygen('--relock --sk r.sec', 'x\nx\n', old)).toMatchObject({ code: 2 })
    expect(await keygen('--relock --sk missing.sec', 'x\nx\n')).toMatchObject({ code: 1 })
    expect(await secret('r.sec', 'newer')).toEqual(before)
  })

  it('does not turn an OpenSSH key into something else', async () => {
    await outputOf(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', 'id'], { home })
    const before = await readFile(join(home, 'id'))
    const run = await keygen('--relock --sk id', 'x\nx\n')
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('ssh-keygen -p') as string })
    expect(await readFile(join(home, 'id'))).toEqual(before)
  })
})

describe.skipIf(!HAS_TERMINAL)('at a terminal', () => {
  it('passphrases are typed unseen, though stdin and stdout carry the file', async () => {
    const tool = (name: 'crypt4gh' | 'crypt4gh-keygen'): string => `"${process.execPath}" "${BINS[name]}"`
    const made = await dialogue(home, `${tool('crypt4gh-keygen')} --sk typed.sec --pk typed.pub`, [
      ['New passphrase', 'horsx\u007fe\r'],
      ['again', 'horse\r'],
    ])
    expect(made.code).toBe(0)
    expect(made.output).not.toContain('hors')
    const seal = `echo hello | ${tool('crypt4gh')} encrypt --recipient_pk typed.pub`
    const open = `${tool('crypt4gh')} decrypt --sk typed.sec >typed.txt`
    const opened = await dialogue(home, `${seal} | ${open}`, [['Passphrase for typed.sec:', 'horse\r']])
    expect(opened.code).toBe(0)
    expect(await readFile(join(home, 'typed.txt'), 'utf8')).toBe('hello\n')
  })

  it('Ctrl-C and Ctrl-D make no key', async () => {
    const command = `"${process.execPath}" "${BINS['crypt4gh-keygen']}" --sk no.sec --pk no.pub`
    expect(await dialogue(home, command, [['New passphrase', '\u0003']])).toMatchObject({ code: 130 })
    expect(await dialogue(home, command, [['New passphrase', '\u0004']])).toMatchObject({ code: 2 })
    await expect(stat(join(home, 'no.sec'))).rejects.toThrow('ENOENT')
  })
})
