import { parentPort, workerData } from 'node:worker_threads'
import {
  sealSmallFile,
  type SealedSmallFile,
  type SmallFile,
  type SmallFileSealing,
} from './seal-small-file.ts'

/** What comes back for a group of files, in their order; see sealSmallFile for what undefined means. */
export type SealedGroup = readonly (SealedSmallFile | undefined)[]

const sealing = workerData as SmallFileSealing

parentPort?.on('message', (group: readonly SmallFile[]) => {
  void sealGroup(group)
})

/** A failure is a bug: it ends the thread, and the files are sealed the ordinary way. */
async function sealGroup(group: readonly SmallFile[]): Promise<void> {
  const sealed: (SealedSmallFile | undefined)[] = []
  for (const file of group) sealed.push(await sealSmallFile(file, sealing))
  parentPort?.postMessage(sealed satisfies SealedGroup)
}
