import type { Provider } from '../storage/provider/provider.ts'
import type { ConnectionSettings } from '../storage/s3/connection.ts'
import { findCredentials, findKeystone, type KeystoneVariables } from '../storage/s3/credential-places.ts'
import { loadConnection } from '../storage/s3/credentials.ts'
import { hasCode } from '../util/errors.ts'
import { examineCredentials, type DoctorCredentials, type KnownNames } from './doctor-credentials.ts'
import { finding, type DoctorFinding } from './doctor-finding.ts'
import { examineServer, type ServerRequest } from './doctor-server.ts'
import { readProjects } from './project-book.ts'

export interface DoctorRequest extends ServerRequest {
  /** The address book, for the names of projects. */
  projectBookFile: string
}

/** What `doctor` found: the --json contract. */
export interface DoctorResult {
  credentials: DoctorCredentials[]
  /** What the OS_ variables say; sealift signs with S3 keys, which OpenStack's client makes. */
  keystone?: Partial<KeystoneVariables>
  /** The server that was looked at; absent when no credentials could be chosen. */
  endpoint?: string
  findings: DoctorFinding[]
  /** What kind of server it is and what it does, where credentials were accepted. */
  provider?: Provider
  /** The file in which that is remembered now. */
  savedTo?: string
}

/**
 * Looks for credentials, reaches their server, and finds out what it does. Only reads, unless told where to write.
 * What goes wrong is a finding. Throws USAGE for a bucket to write into that is not the caller's own.
 */
export async function doctor(request: DoctorRequest, signal?: AbortSignal): Promise<DoctorResult> {
  const { environment, homeDirectory, projectBookFile } = request
  const keystone = findKeystone(environment)
  const names: KnownNames = { projects: await readProjects(projectBookFile), keystone }
  const found = (await findCredentials(environment, homeDirectory)).map((one) =>
    // An address that was asked for is where the AWS tools' keys go; those of rclone and s3cmd have their own.
    one.kind === 'aws' || one.kind === 'environment'
      ? { ...one, endpoint: request.endpoint ?? one.endpoint }
      : one,
  )
  const chosen = await chooseSettings(request)
  const settings = 'settings' in chosen ? chosen.settings : undefined
  const credentials = await examineCredentials(found, { names, settings, signal })
  const start = {
    credentials,
    ...(keystone === undefined ? {} : { keystone }),
  }
  if (settings === undefined) return { ...start, findings: 'finding' in chosen ? [chosen.finding] : [] }
  return { ...start, ...(await examineServer(request, settings, signal)) }
}

type Chosen = { settings: ConnectionSettings } | { finding: DoctorFinding }

async function chooseSettings(request: DoctorRequest): Promise<Chosen> {
  try {
    return { settings: await loadConnection(request) }
  } catch (error) {
    if (!hasCode(error, 'NO_CREDENTIALS', 'USAGE')) throw error
    return { finding: finding('credentials', 'failed', error.message, error.hints.join('; ') || undefined) }
  }
}
