/**
 * Threads that write the same file take turns. The kernel lets one of them write at a time anyway, and has the others
 * spin on the file's lock meanwhile: two threads took 2.8 times the processor time of one, and were slower (tmpfs, Linux 6.18).
 *
 * A lock of three states in shared memory (Drepper, "Futexes Are Tricky", mutex 2), one for each of a few groups of files.
 */

const FREE = 0
const TAKEN = 1
/** Taken, and somebody waits. */
const AWAITED = 2

/** Files by descriptor: two that share a lock only wait a little more often. */
const LOCKS = 64

let locks: Int32Array | undefined

/** Memory for the locks of the threads of one engine. */
export function newWriteTurns(): SharedArrayBuffer {
  return new SharedArrayBuffer(LOCKS * Int32Array.BYTES_PER_ELEMENT)
}

/** From now on this thread takes turns with the others that were given the same memory. */
export function joinWriteTurns(shared: SharedArrayBuffer): void {
  locks = new Int32Array(shared)
}

/** Writes when it is this thread's turn; at once in a thread that has no others beside it. */
export function inTurn<T>(fd: number, write: () => T): T {
  if (locks === undefined) return write()
  const lock = fd % LOCKS
  take(locks, lock)
  try {
    return write()
  } finally {
    if (Atomics.exchange(locks, lock, FREE) === AWAITED) Atomics.notify(locks, lock, 1)
  }
}

function take(words: Int32Array, lock: number): void {
  if (Atomics.compareExchange(words, lock, FREE, TAKEN) === FREE) return
  while (Atomics.exchange(words, lock, AWAITED) !== FREE) Atomics.wait(words, lock, AWAITED)
}
