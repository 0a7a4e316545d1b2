import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxProject } from '../projects.ts'
import { awsProfiles, type PracticeRole } from '../practice-projects.ts'

/** What a command that was run gave back. */
export interface Outcome {
  exitCode: number
  stdout: string
  stderr: string
}

/** One of the people of the story: an own home, own credentials, own address book. */
export interface Person {
  role: PracticeRole
  home: string
  sealift(args: readonly string[]): Promise<Outcome>
}

export interface CastSettings {
  /** The program: the entry file of sealift. */
  program: string
  folder: string
  endpoint: string
  projects: readonly SandboxProject[]
  /** What the people's environments start from; nothing that names a store is taken over. */
  environment: Readonly<Record<string, string | undefined>>
  /** Of the group's secret key: in the story it comes from the environment instead of a prompt. */
  passphrase: string
  signal?: AbortSignal | undefined
}

/** Gives a person a home with a credentials file that holds that person's profile alone. */
export async function createPerson(role: PracticeRole, settings: CastSettings): Promise<Person> {
  const home = join(settings.folder, role)
  await mkdir(home, { recursive: true })
  const credentials = join(home, 'credentials')
  const own = settings.projects.filter(({ displayName }) => displayName === role)
  await writeFile(credentials, awsProfiles(settings.endpoint, own), { mode: 0o600 })
  const environment = {
    ...withoutStore(settings.environment),
    HOME: home,
    SEALIFT_CONFIG_DIR: join(home, 'sealift'),
    AWS_SHARED_CREDENTIALS_FILE: credentials,
    AWS_CONFIG_FILE: join(home, 'no-config'),
    AWS_PROFILE: role,
    ...(role === 'group' && { C4GH_PASSPHRASE: settings.passphrase }),
  }
  return {
    role,
    home,
    sealift: (args) => run(settings.program, args, home, environment, settings.signal),
  }
}

/** Credentials of the person who plays the demo must not slip into it, nor the demo's requests to their store. */
function withoutStore(environment: CastSettings['environment']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(AWS|C4GH|SEALIFT|OS|XDG)_/.test(name)),
  )
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string | undefined>,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal && { signal }),
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({ exitCode: code ?? 1, stdout, stderr })
    })
  })
}
