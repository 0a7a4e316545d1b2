import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { BINS, outputOf, runProgram } from '../support/programs.ts'
import { findProgram } from '../support/requirements.ts'

/** The passphrase of every key that has one. */
export const PASSPHRASE = 'correct horse'

const env = { C4GH_PASSPHRASE: PASSPHRASE }

/** A program that reads and writes Crypt4GH. Keys are names of files in the folder it works in. */
export interface Crypt4ghTool {
  encrypt(plaintext: Uint8Array, publicKeys: readonly string[], secretKey?: string): Promise<Buffer>
  /** Rejects when the program can't. */
  decrypt(sealed: Uint8Array, secretKey: string): Promise<Buffer>
  reencrypt(sealed: Uint8Array, secretKey: string, publicKeys: readonly string[]): Promise<Buffer>
}

/** A tool with the command line of the reference. */
export interface ReferenceTool extends Crypt4ghTool {
  /** Any of its commands, from stdin to stdout. */
  run(args: readonly string[], input: Uint8Array): Promise<Buffer>
}

/** Our own command. */
export function sealift(home: string): Pick<Crypt4ghTool, 'encrypt' | 'decrypt'> {
  const run = (args: readonly string[], input: Uint8Array): Promise<Buffer> =>
    outputOf([process.execPath, BINS.sealift, ...args], { home, env, input })
  return {
    encrypt: (plaintext, publicKeys) => run(['encrypt', '-', ...flags('--to', publicKeys)], plaintext),
    decrypt: (sealed, secretKey) => run(['decrypt', '-', '--identity', secretKey], sealed),
  }
}

/** Our drop-in. */
export function dropIn(home: string): ReferenceTool {
  return referenceTool(home, [process.execPath, BINS.crypt4gh])
}

/** The reference implementation (Python). */
export function pythonTool(home: string): ReferenceTool {
  return referenceTool(home, [findProgram('crypt4gh')!])
}

function referenceTool(home: string, command: readonly string[]): ReferenceTool {
  const run = (args: readonly string[], input: Uint8Array): Promise<Buffer> =>
    outputOf([...command, ...args], { home, env, input })
  const to = (publicKeys: readonly string[]): string[] => flags('--recipient_pk', publicKeys)
  return {
    run,
    encrypt: (plaintext, publicKeys, secretKey) =>
      run(
        ['encrypt', ...flags('--sk', secretKey === undefined ? [] : [secretKey]), ...to(publicKeys)],
        plaintext,
      ),
    decrypt: (sealed, secretKey) => run(['decrypt', '--sk', secretKey], sealed),
    reencrypt: (sealed, secretKey, publicKeys) =>
      run(['reencrypt', '--sk', secretKey, ...to(publicKeys)], sealed),
  }
}

/** The implementation of neicnordic, in Go. It works on files: X becomes X.c4gh, and X.c4gh becomes X. */
export function goTool(home: string): Crypt4ghTool {
  const run = async (
    args: readonly string[],
    input: Uint8Array,
    from: string,
    to: string,
  ): Promise<Buffer> => {
    await rm(join(home, to), { force: true })
    await writeFile(join(home, from), input)
    await runGo(home, args)
    return readFile(join(home, to))
  }
  return {
    async encrypt(plaintext, publicKeys, secretKey) {
      const sender = flags('-s', secretKey === undefined ? [] : [secretKey])
      return run(['encrypt', '-f', 'go', ...flags('-p', publicKeys), ...sender], plaintext, 'go', 'go.c4gh')
    },
    decrypt: (sealed, secretKey) =>
      run(['decrypt', '-f', 'go.c4gh', '-s', secretKey], sealed, 'go.c4gh', 'go'),
    reencrypt: (sealed, secretKey, publicKeys) =>
      run(
        ['reencrypt', '-f', 'go.in', '-o', 'go.out', '-s', secretKey, ...flags('-p', publicKeys)],
        sealed,
        'go.in',
        'go.out',
      ),
  }
}

/** Fault of the Go tool: it ends with 0 whatever happened, so only what it prints tells. */
async function runGo(home: string, args: readonly string[]): Promise<void> {
  const { code, stdout } = await runProgram([findProgram('crypt4gh-go')!, ...args], { home, env })
  const said = stdout.toString()
  if (code !== 0 || !said.includes('Success!')) throw new Error(`crypt4gh-go ${args.join(' ')}: ${said}`)
}

/** Lets the Go tool make NAME.sec.pem and NAME.pub.pem; it prints nothing about it. */
export async function goKeygen(home: string, name: string, format: 'crypt4gh' | 'openssl'): Promise<void> {
  await outputOf([findProgram('crypt4gh-go')!, 'generate', '-n', name, '-f', format], { home, env })
}

/** Lets a tool of the reference's kind make NAME.sec and NAME.pub. */
export async function keygen(command: readonly string[], home: string, name: string, encrypted: boolean) {
  const input = encrypted ? `${PASSPHRASE}\n${PASSPHRASE}\n` : ''
  const kind = encrypted ? [] : ['--nocrypt']
  await outputOf([...command, '--sk', `${name}.sec`, '--pk', `${name}.pub`, ...kind], { home, input })
}

function flags(flag: string, values: readonly string[]): string[] {
  return values.flatMap((value) => [flag, value])
}
