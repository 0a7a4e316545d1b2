import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { ReadStream, WriteStream } from 'node:tty'
import { AppError } from '../util/errors.ts'
import { readSmallFile } from '../util/small-file.ts'
import { environment } from './settings.ts'

/** Where a passphrase may come from besides the terminal; never from argv, which every user of the machine can read. */
export interface PassphraseFlags {
  'passphrase-file'?: string | undefined
  'passphrase-command'?: string | undefined
}

/** No passphrase is longer; a wrong file is noticed instead of being read whole. */
const MAX_PASSPHRASE_BYTES = 4096

const HINT = 'set C4GH_PASSPHRASE, or give --passphrase-file or --passphrase-command'

const NEW_HINTS = {
  empty: 'type one, or give --no-passphrase to store the key unprotected',
  noTerminal: HINT,
}

const REPLACEMENT_HINTS = {
  empty: 'type one, or give --remove to store the key unprotected',
  noTerminal:
    'give --new-passphrase-file, --new-passphrase-command or --remove; C4GH_PASSPHRASE is the old one',
}

/**
 * The passphrase of an existing key: from the file, the command, C4GH_PASSPHRASE, or the terminal, in this order.
 *
 * Throws PASSPHRASE_NEEDED when there is none of them, FILE_NOT_FOUND, INTERRUPTED.
 *
 * @param subject - what it opens, for the prompt and the error, such as a file's name
 */
export async function passphraseFor(subject: string, flags: PassphraseFlags): Promise<string> {
  return (await givenPassphrase(flags)) ?? prompt(`passphrase of ${subject}:`, subject)
}

/** The passphrase of a new key; typed twice at the terminal, and never empty. Throws as passphraseFor, and USAGE. */
export async function newPassphraseFor(subject: string, flags: PassphraseFlags): Promise<string> {
  return (await givenPassphrase(flags)) ?? typedTwice(subject, NEW_HINTS)
}

/**
 * The passphrase that replaces another one. Never from C4GH_PASSPHRASE, which has the old one. Throws as
 * newPassphraseFor.
 */
export async function replacementPassphraseFor(subject: string, flags: PassphraseFlags): Promise<string> {
  return (await passphraseOfFlags(flags)) ?? typedTwice(subject, REPLACEMENT_HINTS)
}

/** Typed twice, because nobody sees what is typed. */
async function typedTwice(
  subject: string,
  { empty, noTerminal }: { empty: string; noTerminal: string },
): Promise<string> {
  const typed = await prompt(`new passphrase for ${subject}:`, subject, noTerminal)
  if (typed === '') throw new AppError('USAGE', 'an empty passphrase protects nothing', { hints: [empty] })
  if ((await prompt('the same again:', subject, noTerminal)) !== typed) {
    throw new AppError('USAGE', 'the two passphrases differ', { hints: ['run the command again'] })
  }
  return typed
}

async function givenPassphrase(flags: PassphraseFlags): Promise<string | undefined> {
  const ofFlags = await passphraseOfFlags(flags)
  if (ofFlags !== undefined) return ofFlags
  const env = environment()['C4GH_PASSPHRASE']
  return env === undefined || env === '' ? undefined : env
}

async function passphraseOfFlags(flags: PassphraseFlags): Promise<string | undefined> {
  const file = flags['passphrase-file']
  if (file !== undefined) {
    const content = await readSmallFile(file, 'read the passphrase file', MAX_PASSPHRASE_BYTES)
    return checked(content, `the passphrase file ${file}`)
  }
  const command = flags['passphrase-command']
  return command === undefined
    ? undefined
    : checked(await outputOf(command), 'the output of the passphrase command')
}

/** The first line's end is no part of it: editors and `echo` add one. */
function checked(content: Uint8Array, where: string): string {
  const passphrase = Buffer.from(content)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  if (content.length > MAX_PASSPHRASE_BYTES || passphrase === '' || /[\r\n]/.test(passphrase)) {
    throw new AppError('PASSPHRASE_NEEDED', `${where} is not one line with a passphrase`)
  }
  return passphrase
}

/** What a shell command prints, such as `pass show sealift`. Its own prompts and complaints go to the terminal. */
function outputOf(command: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, stdio: ['inherit', 'pipe', 'inherit'] })
    const chunks: Buffer[] = []
    let size = 0
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_PASSPHRASE_BYTES + 1) chunks.push(chunk)
    })
    child.on('error', (cause) => {
      reject(new AppError('PASSPHRASE_NEEDED', 'the passphrase command cannot be run', { cause }))
    })
    child.on('close', (status, signal) => {
      if (status === 0) {
        resolve(Buffer.concat(chunks))
        return
      }
      const end = signal ?? `exit code ${String(status)}`
      reject(new AppError('PASSPHRASE_NEEDED', `the passphrase command failed with ${end}`))
    })
  })
}

/** Asks at the terminal without echo. Ctrl-C is INTERRUPTED, Ctrl-D or no terminal PASSPHRASE_NEEDED. */
async function prompt(question: string, subject: string, hint = HINT): Promise<string> {
  const terminal = openTerminal()
  if (terminal === undefined) {
    throw new AppError('PASSPHRASE_NEEDED', `no passphrase for ${subject}, and no terminal to ask for it`, {
      hints: [hint],
    })
  }
  const { input, output, close } = terminal
  const { read } = await import('read')
  // Ctrl-D closes the line reader without an answer; all that can be seen of it is that the input pauses.
  const closed = new Promise<never>((_, reject) => {
    input.once('pause', () => {
      setImmediate(() => {
        reject(new AppError('PASSPHRASE_NEEDED', `no passphrase was typed for ${subject}`, { hints: [hint] }))
      })
    })
  })
  try {
    return await Promise.race([read({ prompt: question, silent: true, input, output }), closed])
  } catch (error) {
    if (error instanceof Error && error.message === 'canceled')
      throw new AppError('INTERRUPTED', 'interrupted')
    throw error
  } finally {
    output.write('\n')
    close()
  }
}

interface Terminal {
  input: ReadStream
  output: WriteStream
  close: () => void
}

/** stdin when it is a terminal; the controlling terminal when stdin carries data and a person watches stderr. */
function openTerminal(): Terminal | undefined {
  if (!process.stderr.isTTY) return undefined
  if (process.stdin.isTTY)
    return { input: process.stdin, output: process.stderr, close: () => process.stdin.pause() }
  try {
    const input = new ReadStream(openSync('/dev/tty', 'r'))
    return { input, output: process.stderr, close: () => input.destroy() }
  } catch {
    return undefined
  }
}
