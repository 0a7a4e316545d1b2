import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { AppError } from '../../util/errors.ts'
import {
  namedCredentials,
  onlyCredentials,
  rereadCredentials,
  spelledPlace,
  unusableSources,
  type UsableCredentials,
} from './choose-credentials.ts'
import { checkEndpoint, type ConnectionSettings, type Credentials } from './connection.ts'
import { fetchesKeys } from './credential-places.ts'
import { setting } from './found-credentials.ts'
import { readSharedConfig, type Section, type SharedConfig, sharedFiles } from './shared-config.ts'

/** Where to look for the way to a store and its keys. */
export interface ConnectionRequest {
  /** A profile asked for by name: its keys win over those in the environment. */
  profile?: string | undefined
  endpoint?: string | undefined
  region?: string | undefined
  /** Permits an `http:` endpoint on another machine. */
  allowInsecure?: boolean | undefined
  environment: Readonly<Record<string, string | undefined>>
  homeDirectory: string
  /** What is asked when neither environment nor files have keys; the SDK's chain (SSO, roles, containers) when absent. */
  otherSources?: ((profile: string | undefined) => () => Promise<Credentials>) | undefined
  /** Signs nothing, as somebody without an account; the endpoint is found all the same. */
  anonymous?: boolean | undefined
  /** Told, in a sentence for the person, when the credentials of another program are used without being asked for. */
  onNotice?: ((message: string) => void) | undefined
}

/**
 * Finds endpoint, region and keys where the AWS CLI finds them, in its order: what was asked for, the AWS_ variables,
 * the profile in `~/.aws`, and last the SDK's other sources. Where nobody told the AWS tools anything, the one set of
 * credentials that rclone or s3cmd has is taken; it comes whole, with its endpoint and region.
 *
 * @throws AppError NO_CREDENTIALS when there are none, several and none was chosen, or a named profile does not exist
 * @throws AppError USAGE for an endpoint that is no address, or not encrypted
 */
export async function loadConnection(request: ConnectionRequest): Promise<ConnectionSettings> {
  const { environment } = request
  const config = await readSharedConfig(environment, request.homeDirectory)
  const profileName = setting(request.profile) ?? setting(environment['AWS_PROFILE'])
  const elsewhere = await credentialsElsewhere(request, config)
  if (elsewhere !== undefined) return settingsOf(elsewhere, request)
  const profile = profileOf(config, profileName)
  const endpoint = endpointOf(request, config, profile)
  if (endpoint !== undefined) checkEndpoint(endpoint, request.allowInsecure)
  const region =
    setting(request.region) ??
    setting(environment['AWS_REGION']) ??
    setting(environment['AWS_DEFAULT_REGION']) ??
    profile['region']
  return {
    endpoint,
    region,
    ...(profile['s3.addressing_style'] === 'virtual' ? { forcePathStyle: false } : {}),
    ...(request.anonymous === true
      ? { credentials: 'anonymous' }
      : await credentialsOf(request, profileName, profile)),
  }
}

/** Those of rclone or s3cmd, when they were named, or nothing else is there; undefined when the AWS places count. */
async function credentialsElsewhere(
  request: ConnectionRequest,
  config: SharedConfig,
): Promise<UsableCredentials | undefined> {
  const { environment, homeDirectory } = request
  const asked = setting(request.profile)
  if (asked !== undefined) {
    if (config.profile(asked) !== undefined) return undefined
    return namedCredentials(asked, environment, homeDirectory, config.credentialsFile)
  }
  if (setting(environment['AWS_PROFILE']) !== undefined) return undefined
  const profile = config.profile('default') ?? {}
  const hasKeys = [
    environment['AWS_ACCESS_KEY_ID'],
    environment['AWS_SECRET_ACCESS_KEY'],
    profile['aws_access_key_id'],
    profile['aws_secret_access_key'],
  ].some((value) => setting(value) !== undefined)
  // The metadata service of a cloud's machine comes after: asking it takes a second wherever there is none.
  if (hasKeys || fetchesKeys(profile, environment)) return undefined
  const endpoint = endpointOf(request, config, profile)
  const only = await onlyCredentials(endpoint, environment, homeDirectory)
  if (only !== undefined) request.onNotice?.(`using the credentials of ${spelledPlace(only)}`)
  return only
}

/** The section's own endpoint and region count before the AWS_ variables: they belong to its keys. */
function settingsOf(found: UsableCredentials, request: ConnectionRequest): ConnectionSettings {
  const { environment, homeDirectory } = request
  const endpoint = setting(request.endpoint) ?? found.endpoint
  if (endpoint !== undefined) checkEndpoint(endpoint, request.allowInsecure)
  const region =
    setting(request.region) ??
    found.region ??
    setting(environment['AWS_REGION']) ??
    setting(environment['AWS_DEFAULT_REGION'])
  return {
    endpoint,
    region,
    credentials: request.anonymous === true ? 'anonymous' : found.keys,
    readCredentials: async () =>
      (await rereadCredentials(found, environment, homeDirectory))?.keys ?? found.keys,
    ...(found.forcePathStyle === undefined ? {} : { forcePathStyle: found.forcePathStyle }),
  }
}

function profileOf(config: SharedConfig, name: string | undefined): Section {
  const found = config.profile(name ?? 'default')
  if (found === undefined && name !== undefined) {
    throw new AppError('NO_CREDENTIALS', `there is no profile ${name} in ${config.credentialsFile}`, {
      hints: ['`aws configure list-profiles` shows the names that exist'],
    })
  }
  return found ?? {}
}

/** The AWS CLI's order ("Service-specific endpoints"): the S3 variable, the general one, the same in the profile. */
function endpointOf(request: ConnectionRequest, config: SharedConfig, profile: Section): string | undefined {
  const services = profile['services'] === undefined ? undefined : config.services(profile['services'])
  return (
    setting(request.endpoint) ??
    setting(request.environment['AWS_ENDPOINT_URL_S3']) ??
    setting(request.environment['AWS_ENDPOINT_URL']) ??
    services?.['s3.endpoint_url'] ??
    profile['endpoint_url']
  )
}

async function credentialsOf(
  request: ConnectionRequest,
  profileName: string | undefined,
  profile: Section,
): Promise<Pick<ConnectionSettings, 'credentials' | 'readCredentials'>> {
  const fromEnvironment = staticCredentials(
    'the environment',
    lowerCased(request.environment, ...ENVIRONMENT_KEYS),
  )
  const fromProfile = staticCredentials(`profile ${profileName ?? 'default'}`, profile)
  // As in the AWS CLI: a profile given as an option wins over keys in the environment, AWS_PROFILE does not.
  const askedForProfile = setting(request.profile) !== undefined
  if (!askedForProfile && fromEnvironment !== undefined) return { credentials: fromEnvironment }
  const otherSources = request.otherSources ?? sdkSources(request)
  const fetchCredentials = otherSources(profileName)
  if (fromProfile !== undefined) {
    const readCredentials = async (): Promise<Credentials> =>
      staticCredentials('the profile', await readProfile(request, profileName)) ?? fetchCredentials()
    return { credentials: fromProfile, readCredentials }
  }
  let first: Credentials | undefined
  try {
    first = await fetchCredentials()
  } catch (error) {
    throw new AppError('NO_CREDENTIALS', 'no credentials for the store', {
      hints: [
        'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put them into ~/.aws/credentials',
        'on CSC machines `allas-conf --mode S3` writes that file',
        ...(await unusableSources(request.environment, request.homeDirectory)),
        '`sealift doctor` shows the places it looked at',
      ],
      cause: error,
    })
  }
  return {
    credentials: async () => {
      const fetched = first
      first = undefined
      return fetched ?? fetchCredentials()
    },
  }
}

async function readProfile(request: ConnectionRequest, name: string | undefined): Promise<Section> {
  return profileOf(await readSharedConfig(request.environment, request.homeDirectory), name)
}

const ENVIRONMENT_KEYS = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
]

/** Keys as they are written; undefined when there are none. Half a pair is an error, not a reason to look elsewhere. */
function staticCredentials(place: string, section: Section): Credentials | undefined {
  const accessKeyId = setting(section['aws_access_key_id'])
  const secretAccessKey = setting(section['aws_secret_access_key'])
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const missing = accessKeyId === undefined ? 'access key id' : 'secret access key'
    throw new AppError('NO_CREDENTIALS', `${place} has half of a key pair: the ${missing} is missing`)
  }
  const ends = new Date(setting(section['aws_credential_expiration']) ?? Number.NaN)
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: setting(section['aws_session_token']),
    expiration: Number.isNaN(ends.getTime()) ? undefined : ends,
  }
}

/** A new provider for each reading: the SDK's keep what they have read, files too. */
function sdkSources({ environment, homeDirectory }: ConnectionRequest) {
  const files = sharedFiles(environment, homeDirectory)
  return (profile: string | undefined) => (): Promise<Credentials> =>
    defaultProvider({ ...files, ignoreCache: true, ...(profile === undefined ? {} : { profile }) })()
}

function lowerCased(environment: ConnectionRequest['environment'], ...names: string[]): Section {
  return Object.fromEntries(names.map((name) => [name.toLowerCase(), environment[name]]))
}
