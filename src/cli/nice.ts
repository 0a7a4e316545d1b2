import { readdirSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/** What `nice` without a number adds. */
const NICENESS = 10

/**
 * Lets others on this machine go first, as `nice` does. Never raises a priority that is lower already.
 * On Linux each thread has its own: those there are now are all lowered, and later ones inherit it.
 */
export function lowerPriority(): void {
  for (const id of threadIds()) {
    try {
      if (getPriority(id) < NICENESS) setPriority(id, NICENESS)
    } catch {
      // A thread that has ended meanwhile, or a system that forbids it: being less polite is no failure.
    }
  }
}

/** Threads of this process, where the system counts them as such; 0 stands for the process. */
function threadIds(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number)
  } catch {
    return [0]
  }
}
