import { AppError, hasCode } from '../util/errors.ts'
import { EXIT } from './exit-codes.ts'

/** While a command runs, the first signal that asks it to stop is heard; a second Ctrl-C or SIGTERM does not wait. */
export interface Interrupt {
  signal: AbortSignal
  /** Gives the signals back to their default, which is to end the process. */
  release(): void
}

/** SIGUSR1 is what batch systems warn with before a job's time is up; SIGHUP says that the terminal is gone. */
const STOPS = ['SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGHUP'] as const

type Stop = (typeof STOPS)[number]

/**
 * Listens for the signals that ask a command to stop. The abort's reason is an AppError INTERRUPTED (Ctrl-C) or
 * TERMINATED, so that work which stops by throwing it leads to exit code 130 or 143 after its cleanup was awaited.
 * What can be gone on with later throws RESUMABLE instead.
 *
 * @param say - tells the person that the command is stopping
 */
export function listenForInterrupt(say: (message: string) => void): Interrupt {
  const controller = new AbortController()
  let asked = false
  const stop = (name: Stop): void => {
    // `nohup` has SIGHUP ignored, which Node forgets at its start. What it leaves is that no terminal is in use.
    if (name === 'SIGHUP' && !usesTerminal()) return
    const impatient = name === 'SIGINT' || name === 'SIGTERM'
    if (impatient && asked) process.exit(name === 'SIGINT' ? EXIT.interrupted : EXIT.terminated)
    asked ||= impatient
    if (controller.signal.aborted) return
    say(name === 'SIGINT' ? 'stopping; press Ctrl-C again to stop at once' : 'stopping')
    controller.abort(reasonOf(name))
  }
  // Until now the entry file has listened for it.
  process.removeAllListeners('SIGUSR1')
  for (const name of STOPS) process.on(name, stop)
  return {
    signal: controller.signal,
    release: () => {
      for (const name of STOPS) process.off(name, stop)
    },
  }
}

function reasonOf(name: Stop): AppError {
  if (name === 'SIGINT') return new AppError('INTERRUPTED', 'interrupted')
  return new AppError('TERMINATED', name === 'SIGTERM' ? 'terminated' : `terminated (${name})`)
}

function usesTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
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
