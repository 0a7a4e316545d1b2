/**
 * Threads that open, read and seal small files: what the operating system has to be asked for takes longer than the
 * cipher, and would keep the network waiting. A message between threads costs as much as a small file does, so files go
 * over in groups. The keys of the header packets are agreed on once, before the threads start.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { wipePacketKeys, type PacketKeys } from '../crypto/crypt4gh/packet-key.ts'
import type { SealedSmallFile, SmallFile } from './seal-small-file.ts'
import type { SealedGroup, SmallFileWork } from './small-file-worker.ts'

/** Files that go to a thread together at most; while it is at work, the next ones gather. */
const GROUP = 16

/** On a network's file system threads wait for most of the time: two even of a single processor. */
const MIN_THREADS = 2
const MAX_THREADS = 4

interface Waiting {
  file: SmallFile
  resolve: (sealed: SealedSmallFile | undefined) => void
}

export class SmallFileThreads {
  readonly #work: SmallFileWork
  readonly #limit = Math.min(MAX_THREADS, Math.max(MIN_THREADS, availableParallelism()))
  readonly #idle: Worker[] = []
  readonly #atWork = new Map<Worker, readonly Waiting[]>()
  #queue: Waiting[] = []
  #handing = false
  #ended = false

  /** @param work - its packet keys are taken over, and wiped by {@link close} */
  constructor(work: SmallFileWork) {
    this.#work = { ...work, packetKeys: intoSharedMemory(work.packetKeys) }
  }

  /**
   * Seals a file into its slot; undefined when it has to be done the ordinary way, which tells what was in the way.
   * Never rejects.
   */
  seal(file: SmallFile): Promise<SealedSmallFile | undefined> {
    if (this.#ended) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      this.#queue.push({ file, resolve })
      this.#handOutSoon()
    })
  }

  /** Ends the threads and wipes the keys. What is asked for now or was not answered is undefined. */
  async close(): Promise<void> {
    this.#ended = true
    // A slot is its owner's again only when no thread can write to it any more.
    await Promise.all([...this.#idle, ...this.#atWork.keys()].map((worker) => worker.terminate()))
    wipePacketKeys(this.#work.packetKeys)
    for (const { resolve } of [...this.#atWork.values(), this.#queue].flat()) resolve(undefined)
    this.#atWork.clear()
    this.#queue = []
  }

  /** After this turn of the event loop, in which more files may come. */
  #handOutSoon(): void {
    if (this.#handing) return
    this.#handing = true
    setImmediate(() => {
      this.#handing = false
      this.#handOut()
    })
  }

  #handOut(): void {
    while (this.#queue.length > 0 && !this.#ended) {
      // A thread more only for a whole group: a few files are sooner done with those that follow.
      if (this.#atWork.size > 0 && this.#queue.length < GROUP) return
      const worker = this.#idle.pop() ?? this.#startWorker()
      if (worker === undefined) return
      const group = this.#queue.splice(0, GROUP)
      this.#atWork.set(worker, group)
      worker.postMessage(group.map(({ file }) => file))
    }
  }

  #startWorker(): Worker | undefined {
    if (this.#atWork.size >= this.#limit) return undefined
    let worker: Worker
    try {
      worker = new Worker(workerUrl(), {
        workerData: this.#work,
        // As those of the cipher: a small heap makes V8 collect early.
        resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
      })
    } catch {
      // The machine gives no more threads (ulimit -u, pids.max): the others go on, or everything goes the ordinary way.
      if (this.#atWork.size === 0) void this.close()
      return undefined
    }
    worker.on('message', (sealed: SealedGroup) => {
      const group = this.#atWork.get(worker) ?? []
      this.#atWork.delete(worker)
      this.#idle.push(worker)
      for (const [index, { resolve }] of group.entries()) resolve(sealed[index])
      this.#handOutSoon()
    })
    // A thread that is lost is no reason to fail: everything goes the ordinary way from then on.
    const lose = (): void => {
      if (!this.#ended) void this.close()
    }
    worker.on('error', lose)
    worker.on('exit', lose)
    return worker
  }
}

/** Wiping them here wipes them for all threads. */
function intoSharedMemory(keys: PacketKeys): PacketKeys {
  const ofReaders = keys.ofReaders.map((packetKey) => {
    const shared = new Uint8Array(new SharedArrayBuffer(packetKey.length))
    shared.set(packetKey)
    return shared
  })
  wipePacketKeys(keys)
  return { writerPublicKey: keys.writerPublicKey, ofReaders }
}

/** The compiled worker beside the compiled module, the source beside the source. */
function workerUrl(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./small-file-worker.${extension}`, import.meta.url)
}
