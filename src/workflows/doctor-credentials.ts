import { parseGrantee, serializeGrantee } from '../storage/access/grantee.ts'
import { canonicalIdOf, granteeOfCanonicalId } from '../storage/access/principal.ts'
import type { IdentityDialect } from '../storage/provider/provider.ts'
import { providerNamed } from '../storage/provider/providers.ts'
import { providerOfEndpoint } from '../storage/provider/recognise.ts'
import { checkEndpoint, endpointWithoutUser, type ConnectionSettings } from '../storage/s3/connection.ts'
import type { KeystoneVariables } from '../storage/s3/credential-places.ts'
import { sameServer, type FoundCredentials } from '../storage/s3/found-credentials.ts'
import { createServerProbe, type Caller } from '../storage/s3/probe/server-probe.ts'
import { AppError } from '../util/errors.ts'
import type { Project } from './project-book.ts'

/** One set of credentials, without its secrets: part of the --json contract. */
export interface DoctorCredentials {
  /** The program whose configuration has it. */
  kind: FoundCredentials['kind']
  /** What --profile takes for it; absent for the AWS_ variables. */
  profile?: string
  file?: string
  /** Absent for AWS itself. */
  endpoint?: string
  /** Shortened. */
  accessKeyId?: string
  /** `accepted` by its server, `refused`, `unreachable`, `unusable` as it stands, or `not-tried`. */
  state: 'accepted' | 'refused' | 'unreachable' | 'unusable' | 'not-tried'
  /** Why it is not accepted. */
  problem?: string
  /** Canonical id of the project that it acts for, as ACLs there name it. */
  ownerId?: string
  /** The same as a typed identity, for `sealift project add`. */
  identity?: string
  /** The project's name, from the address book or OS_PROJECT_NAME. */
  project?: string
  /** True for those that this and other commands use without --profile, or with the one given. */
  inUse: boolean
}

/** Names that are known for projects. */
export interface KnownNames {
  projects: readonly Project[]
  keystone: KeystoneVariables | undefined
}

/** Where requests go when no endpoint is written down. */
const AWS_ENDPOINT = 'https://s3.amazonaws.com'

/** Seconds a server may be silent. */
const IDLE_TIMEOUT = 10

/** Sets that are tried; the rest is listed only. */
const TRIED_LIMIT = 20

/** Asks the server of each set whose keys they are (ListBuckets); nothing is written. Sets without keys are only listed. */
export async function examineCredentials(
  found: readonly FoundCredentials[],
  {
    names,
    settings,
    signal,
  }: { names: KnownNames; settings: ConnectionSettings | undefined; signal?: AbortSignal | undefined },
): Promise<DoctorCredentials[]> {
  const inUse = settings === undefined ? -1 : indexInUse(found, settings)
  return Promise.all(
    found.map(async (one, index) => ({
      ...described(one),
      ...(index < TRIED_LIMIT ? await tried(one, names, signal) : { state: 'not-tried' as const }),
      inUse: index === inUse,
    })),
  )
}

/** What people may see of an access key id: enough to tell two apart. */
export function shortened(accessKeyId: string): string {
  return accessKeyId.length <= 8
    ? `${accessKeyId.slice(0, 2)}…`
    : `${accessKeyId.slice(0, 4)}…${accessKeyId.slice(-2)}`
}

/** The name of the project behind a canonical id; undefined when nobody knows one. */
export function projectNameOf(
  ownerId: string,
  dialect: IdentityDialect,
  { projects, keystone }: KnownNames,
): string | undefined {
  const named = projects.find(({ identity }) => canonicalIdOf(parseGrantee(identity), dialect) === ownerId)
  if (named !== undefined) return named.name
  if (keystone?.projectId === undefined) return undefined
  const { projectId, projectName } = keystone
  return ownerId === projectId || ownerId === `${projectId}$${projectId}` ? projectName : undefined
}

function described({ kind, profile, file, endpoint, keys }: FoundCredentials) {
  return {
    kind,
    ...(profile === undefined ? {} : { profile }),
    ...(file === undefined ? {} : { file }),
    ...(endpoint === undefined ? {} : { endpoint: endpointWithoutUser(endpoint) }),
    ...(keys === undefined ? {} : { accessKeyId: shortened(keys.accessKeyId) }),
  }
}

async function tried(
  { keys, problem, endpoint, region }: FoundCredentials,
  names: KnownNames,
  signal: AbortSignal | undefined,
): Promise<Pick<DoctorCredentials, 'state' | 'problem' | 'ownerId' | 'identity' | 'project'>> {
  if (keys === undefined) return { state: 'unusable', problem: problem ?? 'it has no key pair' }
  try {
    if (endpoint !== undefined) checkEndpoint(endpoint)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { state: 'unusable', problem: error.message }
  }
  const probe = createServerProbe({ endpoint, region, credentials: keys, idleTimeout: IDLE_TIMEOUT })
  try {
    const caller = await probe.caller({ signal })
    const kind = providerOfEndpoint(endpoint ?? AWS_ENDPOINT) ?? caller.provider ?? 'generic'
    return verdictOn(caller, providerNamed(kind).dialect, names)
  } finally {
    probe.close()
  }
}

function verdictOn(
  { ownerId, failure, status }: Caller,
  dialect: IdentityDialect,
  names: KnownNames,
): Pick<DoctorCredentials, 'state' | 'problem' | 'ownerId' | 'identity' | 'project'> {
  if (failure !== undefined) {
    return { state: status === undefined ? 'unreachable' : 'refused', problem: failure.message }
  }
  if (ownerId === undefined) return { state: 'accepted' }
  const project = projectNameOf(ownerId, dialect, names)
  return {
    state: 'accepted',
    ownerId,
    identity: serializeGrantee(granteeOfCanonicalId(ownerId, dialect)),
    ...(project === undefined ? {} : { project }),
  }
}

/** The set that was chosen: by its keys, and where several places have them, by the server as well. */
function indexInUse(
  found: readonly FoundCredentials[],
  { credentials, endpoint }: ConnectionSettings,
): number {
  if (typeof credentials !== 'object') return -1
  const hasKeys = ({ keys }: FoundCredentials): boolean =>
    keys?.accessKeyId === credentials.accessKeyId && keys.secretAccessKey === credentials.secretAccessKey
  const exact = found.findIndex((one) => hasKeys(one) && sameServer(one.endpoint, endpoint))
  return exact >= 0 ? exact : found.findIndex(hasKeys)
}
