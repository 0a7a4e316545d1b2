import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { practiceProjects } from '../../../src/sandbox/practice-projects.ts'
import type { SandboxProject } from '../../../src/sandbox/projects.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../../src/sandbox/server.ts'
import type { ConnectionSettings } from '../../../src/storage/s3/connection.ts'
import { createS3Store, type S3Store } from '../../../src/storage/s3/s3-store.ts'

/** A sandbox that can be shut down and started again, and stores of its first project. */
export interface PracticeStore {
  endpoint: string
  project: SandboxProject
  store: (settings?: Partial<ConnectionSettings>) => S3Store
  /** Nobody listens at the endpoint any more. */
  goDown: () => Promise<void>
  /** The same sandbox at the same endpoint. */
  comeBack: () => Promise<void>
  close: () => Promise<void>
}

/** Starts a sandbox with a bucket named `bucket`. */
export async function startPracticeStore(options: Partial<SandboxOptions> = {}): Promise<PracticeStore> {
  const directory = await mkdtemp(join(tmpdir(), 'sealift-sandbox-'))
  const projects = practiceProjects()
  const [project] = projects
  if (project === undefined) throw new RangeError('the sandbox has no project')
  let sandbox: Sandbox | undefined = await startSandbox({ ...options, directory, projects })
  const { endpoint } = sandbox
  const stores: S3Store[] = []
  const goDown = async (): Promise<void> => {
    await sandbox?.close()
    sandbox = undefined
  }
  const practice: PracticeStore = {
    endpoint,
    project,
    store: (settings = {}) => {
      const { accessKeyId, secretAccessKey } = project
      const store = createS3Store({ endpoint, credentials: { accessKeyId, secretAccessKey }, ...settings })
      stores.push(store)
      return store
    },
    goDown,
    comeBack: async () => {
      sandbox = await startSandbox({ ...options, directory, projects, port: Number(new URL(endpoint).port) })
    },
    close: async () => {
      for (const store of stores) store.close()
      await goDown()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return practice
}
