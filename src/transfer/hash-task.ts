import { createHash } from 'node:crypto'
import { batchBuffers, PLAIN_BATCH, readFully } from './batch.ts'
import { startDigests, type WantedDigests } from './seal-task.ts'
import type { SegmentTaskResult } from './task-result.ts'

/** Takes the next range of a file into a hash; the hash begins with its first range. */
export interface HashRange {
  kind: 'hash-range'
  /** Number of the hash, chosen by who asks. */
  hash: number
  digests: WantedDigests
  fd: number
  offset: number
  length: number
}

/** Takes the start of a shared buffer into an MD5, such as that of a part which is compared with its ETag. */
export interface HashMemory {
  kind: 'hash-memory'
  hash: number
  /** Bytes that went into it before. */
  offset: number
  slot: SharedArrayBuffer
  length: number
}

/** Ends a hash, and gives its digests. */
export interface HashEnd {
  kind: 'hash-end'
  hash: number
}

interface OpenHash {
  /** Bytes that went into it. */
  position: number
  update(bytes: Uint8Array): void
  end(): Pick<SegmentTaskResult, 'plaintext' | 'md5'>
}

const hashes = new Map<number, OpenHash>()

export function hashRange(task: HashRange): SegmentTaskResult {
  const hash = openHash(task, () => startPlaintextHash(task.digests))
  const { plain } = batchBuffers()
  for (let done = 0; done < task.length; done += PLAIN_BATCH) {
    const batch = plain.subarray(0, Math.min(PLAIN_BATCH, task.length - done))
    readFully(task.fd, batch, task.offset + done)
    hash.update(batch)
  }
  hash.position += task.length
  return { length: 0 }
}

export function hashMemory(task: HashMemory): SegmentTaskResult {
  const hash = openHash(task, startMd5)
  hash.update(new Uint8Array(task.slot, 0, task.length))
  hash.position += task.length
  return { length: 0 }
}

/** A hash that nothing was put into has no digests. */
export function endHash(task: HashEnd): SegmentTaskResult {
  const hash = hashes.get(task.hash)
  hashes.delete(task.hash)
  return { length: 0, ...hash?.end() }
}

/** The hash of that number, begun when these are its first bytes; a digest with a hole in it must never come about. */
function openHash(task: { hash: number; offset: number }, start: () => OpenHash): OpenHash {
  const hash = hashes.get(task.hash) ?? start()
  if (hash.position !== task.offset) {
    throw new RangeError(`hash ${task.hash} is at byte ${hash.position}, not at ${task.offset}`)
  }
  hashes.set(task.hash, hash)
  return hash
}

function startPlaintextHash(wanted: WantedDigests): OpenHash {
  const digests = startDigests(wanted)
  return {
    position: 0,
    update: (bytes) => {
      digests.update(bytes)
    },
    end: () => ({ plaintext: digests.end() }),
  }
}

function startMd5(): OpenHash {
  const md5 = createHash('md5')
  return {
    position: 0,
    update: (bytes) => {
      md5.update(bytes)
    },
    end: () => ({ md5: md5.digest('hex') }),
  }
}
