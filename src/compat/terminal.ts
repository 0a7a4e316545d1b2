/**
 * Questions to a person, as Python's getpass and input put them: secrets at the controlling terminal whatever stdin
 * and stdout are, answers in lines of stdin, which also takes the secrets where there is no terminal.
 */
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { ReadStream, WriteStream } from 'node:tty'
import { AppError } from '../util/errors.ts'

/** Someone who can be asked. */
export interface Respondent {
  /** A line without its end; nothing shows at a terminal. Throws PASSPHRASE_NEEDED, INTERRUPTED. */
  secret(question: string): Promise<string>
  /** A line without its end. Throws USAGE when there is none. */
  line(question: string): Promise<string>
  /** Stops reading stdin. */
  leave(): void
}

/** Asks at the terminal, and in lines of stdin. */
export function respondent(): Respondent {
  let lines: AsyncIterator<string> | undefined
  const reader = (): AsyncIterator<string> =>
    (lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]())
  return {
    async secret(question) {
      const typed = await secretAtTerminal(question)
      if (typed !== undefined) return typed
      const next = await reader().next()
      if (next.done !== true) return next.value
      throw new AppError(
        'PASSPHRASE_NEEDED',
        'no terminal to ask for a passphrase, and no line of it on stdin',
      )
    },
    async line(question) {
      process.stdout.write(question)
      const next = await reader().next()
      if (next.done !== true) return next.value
      throw new AppError('USAGE', 'no answer on stdin', {
        hints: ['give -f to overwrite without being asked'],
      })
    },
    leave() {
      process.stdin.destroy()
    },
  }
}

/** A secret typed at the controlling terminal; undefined when there is none. Throws PASSPHRASE_NEEDED, INTERRUPTED. */
export async function secretAtTerminal(question: string): Promise<string | undefined> {
  const terminal = openTerminal()
  if (terminal === undefined) return undefined
  const { input, output } = terminal
  try {
    return await typedSecret(input, () => output.write(question))
  } finally {
    output.write('\n')
    input.destroy()
    output.destroy()
  }
}

function openTerminal(): { input: ReadStream; output: WriteStream } | undefined {
  try {
    return {
      input: new ReadStream(openSync('/dev/tty', 'r')),
      output: new WriteStream(openSync('/dev/tty', 'w')),
    }
  } catch {
    return undefined
  }
}

const ENTER = /[\r\n]/
const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const BACKSPACE = /[\b\u007f]/

/** @param ask - called when what is typed no longer shows, and Ctrl-C comes here */
function typedSecret(input: ReadStream, ask: () => void): Promise<string> {
  let typed: string[] = []
  return new Promise<string>((resolve, reject) => {
    input.setRawMode(true).setEncoding('utf8')
    input.on('error', reject)
    input.on('data', (text: string) => {
      for (const character of text) {
        if (ENTER.test(character)) resolve(typed.join(''))
        else if (character === CTRL_C) reject(new AppError('INTERRUPTED', 'interrupted'))
        else if (character === CTRL_D) reject(new AppError('PASSPHRASE_NEEDED', 'no passphrase was typed'))
        else if (BACKSPACE.test(character)) typed = typed.slice(0, -1)
        else typed.push(character)
      }
    })
    ask()
  }).finally(() => input.setRawMode(false))
}
