import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { readJsonFile, writeJsonFile } from '../util/json-file.ts'
import { fileError } from '../util/file-errors.ts'
import type { PersonalityName } from './personality/names.ts'
import { personalities } from './personality/personalities.ts'
import { awsProfiles, practiceProjects } from './practice-projects.ts'
import { startSandbox } from './server.ts'

/** A running practice server and what its users need to know. */
export interface Practice {
  endpoint: string
  directory: string
  /** Profiles as for ~/.aws/credentials. */
  profiles: string
  /** Names and identities for the address book. */
  identities: { name: string; identity: string }[]
  close(): Promise<void>
}

const projectsSchema = z.array(
  z.object({
    uid: z.string().min(1),
    displayName: z.string().optional(),
    accessKeyId: z.string().min(1),
    secretAccessKey: z.string().min(1),
  }),
)

/**
 * Starts a sandbox with the three practice projects. A named folder is kept, its projects' keys too, and can be opened
 * again; without one everything goes when it is closed.
 *
 * @throws AppError USAGE for a port in use, or a folder that is no sandbox's or another personality's
 */
export async function openPractice(options: {
  directory?: string | undefined
  port?: number | undefined
  personality?: PersonalityName | undefined
}): Promise<Practice> {
  const kept = options.directory !== undefined
  const directory = kept
    ? resolve(options.directory ?? '')
    : await mkdtemp(join(tmpdir(), 'sealift-sandbox-'))
  const discard = async (): Promise<void> => {
    if (!kept) await rm(directory, { recursive: true, force: true })
  }
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw fileError(error, 'create', directory)
    })
    const file = join(directory, 'projects.json')
    const known = await readJsonFile(file, projectsSchema, [])
    const projects = known.length > 0 ? known : practiceProjects()
    const { personality = 'rgw', port } = options
    const { accounts } = personalities[personality].rules
    const sandbox = await startSandbox({ directory: join(directory, 'store'), projects, port, personality })
    if (known.length === 0) await writeJsonFile(file, projects)
    return {
      endpoint: sandbox.endpoint,
      directory,
      profiles: awsProfiles(sandbox.endpoint, projects),
      identities: projects.map((project) => ({
        name: project.uid,
        identity: accounts.bookIdentity(project),
      })),
      close: async () => {
        await sandbox.close()
        await discard()
      },
    }
  } catch (error) {
    await discard()
    throw error
  }
}
