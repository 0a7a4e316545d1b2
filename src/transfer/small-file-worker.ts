import { parentPort, workerData } from 'node:worker_threads'
import { HeaderSealer } from '../crypto/crypt4gh/header-sealer.ts'
import type { PacketKeys } from '../crypto/crypt4gh/packet-key.ts'
import {
  sealSmallFile,
  type SealedSmallFile,
  type SmallFile,
  type SmallFileSealing,
} from './seal-small-file.ts'

/** What a thread is started with. */
export interface SmallFileWork extends Omit<SmallFileSealing, 'headers'> {
  packetKeys: PacketKeys
}

/** What comes back for a group of files, in their order; see sealSmallFile for what undefined means. */
export type SealedGroup = readonly (SealedSmallFile | undefined)[]

const { packetKeys, digests, encryptAgain } = workerData as SmallFileWork

/** One for the thread's life: its packet keys go with the thread. */
const sealing: SmallFileSealing = { headers: new HeaderSealer(packetKeys), digests, encryptAgain }

/** A failure is a bug: it ends the thread, and the files are sealed the ordinary way. */
parentPort?.on('message', (group: readonly SmallFile[]) => {
  const sealed = group.map((file) => sealSmallFile(file, sealing))
  parentPort?.postMessage(sealed satisfies SealedGroup)
})
