import { AppError, hasCode } from '../util/errors.ts'
import { EXIT } from './exit-codes.ts'

/** While a command runs, the first SIGINT or SIGTERM asks it to stop; a second one does not wait. */
export interface Interrupt {
  signal: AbortSignal
  /** Gives the signals back to their default, which is to end the process. */
  release(): void
}

/**
 * Listens for SIGINT and SIGTERM. The signal's reason is an AppError INTERRUPTED or TERMINATED, so that work which
 * stops by throwing it leads to exit code 130 or 143 after its cleanup was awaited.
 *
 * @param say - tells the person that the command is stopping
 */
export function listenForInterrupt(say: (message: string) => void): Interrupt {
  const controller = new AbortController()
  const stop = (name: 'SIGINT' | 'SIGTERM'): void => {
    if (controller.signal.aborted) process.exit(name === 'SIGINT' ? EXIT.interrupted : EXIT.terminated)
    say(name === 'SIGINT' ? 'stopping; press Ctrl-C again to stop at once' : 'stopping')
    controller.abort(
      name === 'SIGINT'
        ? new AppError('INTERRUPTED', 'interrupted')
        : new AppError('TERMINATED', 'terminated'),
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}

/**
 * Waits until the person presses Ctrl-C, for commands that are ended that way. Keeps the process alive meanwhile.
 * Rejects with the signal's reason when it was stopped otherwise.
 */
export async function untilInterrupted(signal: AbortSignal): Promise<void> {
  const alive = setInterval(() => undefined, 2 ** 30)
  try {
    if (!signal.aborted) {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve, { once: true })
      })
    }
  } finally {
    clearInterval(alive)
  }
  if (!hasCode(signal.reason, 'INTERRUPTED')) signal.throwIfAborted()
}
