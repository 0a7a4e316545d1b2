import { AppError } from '../util/errors.ts'
import { printable } from './printable.ts'

/** Whether somebody sits at a terminal who can be asked and see the question. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/**
 * Asks at the terminal; nothing but `y` or `yes` is one.
 *
 * @throws AppError INTERRUPTED for any other answer, Ctrl-C and Ctrl-D
 */
export async function confirmed(question: string, otherwise: string): Promise<void> {
  const { read } = await import('read')
  const { stdin: input, stderr: output } = process
  const declined = new AppError('INTERRUPTED', otherwise, {
    hints: ['answer y, or give --yes where nobody is to be asked'],
  })
  // Ctrl-D closes the line reader without an answer; all that can be seen of it is that the input pauses.
  const closed = new Promise<string>((resolve) => {
    input.once('pause', () => {
      setImmediate(() => {
        resolve('')
      })
    })
  })
  try {
    const answer = await Promise.race([
      read({ prompt: `${printable(question)} [y/N]`, input, output }),
      closed,
    ])
    if (!/^y(es)?$/i.test(answer.trim())) throw declined
  } catch (error) {
    if (error instanceof Error && error.message === 'canceled') throw declined
    throw error
  } finally {
    input.pause()
  }
}
