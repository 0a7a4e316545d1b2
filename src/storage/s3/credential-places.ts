import { setting, type FoundCredentials } from './found-credentials.ts'
import { findRcloneRemotes } from './rclone-config.ts'
import { findS3cmdConfigs } from './s3cmd-config.ts'
import { readSharedConfig, type Section, type SharedConfig } from './shared-config.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What the variables of OpenStack's clients say. Keys for S3 are made from it by those clients, not by us. */
export interface KeystoneVariables {
  authUrl: string | undefined
  projectId: string | undefined
  projectName: string | undefined
  userName: string | undefined
}

/**
 * Every set of credentials that is written down where its programs have it: the AWS_ variables, the profiles of `~/.aws`,
 * the S3 remotes of rclone, the configurations of s3cmd; in the order in which they would be used.
 *
 * @throws AppError FILE_UNREADABLE for the files of `~/.aws`; others that can't be read are entries with a `problem`
 */
export async function findCredentials(
  environment: Environment,
  homeDirectory: string,
): Promise<FoundCredentials[]> {
  const config = await readSharedConfig(environment, homeDirectory)
  return [
    ...environmentCredentials(environment),
    ...config.profileNames().map((name) => profileCredentials(config, name, environment)),
    ...(await findOtherCredentials(environment, homeDirectory)),
  ]
}

/** Those that the AWS tools do not know of: rclone's and s3cmd's. */
export async function findOtherCredentials(
  environment: Environment,
  homeDirectory: string,
): Promise<FoundCredentials[]> {
  const [rclone, s3cmd] = await Promise.all([
    findRcloneRemotes(environment, homeDirectory),
    findS3cmdConfigs(environment, homeDirectory),
  ])
  return [...rclone, ...s3cmd]
}

/** What OS_ variables are set; undefined when there are none. Passwords and tokens are not even read. */
export function findKeystone(environment: Environment): KeystoneVariables | undefined {
  const found = {
    authUrl: setting(environment['OS_AUTH_URL']),
    projectId: setting(environment['OS_PROJECT_ID']) ?? setting(environment['OS_TENANT_ID']),
    projectName: setting(environment['OS_PROJECT_NAME']) ?? setting(environment['OS_TENANT_NAME']),
    userName: setting(environment['OS_USERNAME']),
  }
  return Object.values(found).some((value) => value !== undefined) ? found : undefined
}

function environmentCredentials(environment: Environment): FoundCredentials[] {
  const accessKeyId = setting(environment['AWS_ACCESS_KEY_ID'])
  const secretAccessKey = setting(environment['AWS_SECRET_ACCESS_KEY'])
  if (accessKeyId === undefined && secretAccessKey === undefined) return []
  const endpoint = endpointOf(environment)
  const region = setting(environment['AWS_REGION']) ?? setting(environment['AWS_DEFAULT_REGION'])
  const found: FoundCredentials = { kind: 'environment', aliases: [], endpoint, region }
  if (accessKeyId === undefined || secretAccessKey === undefined) return [{ ...found, problem: HALF_A_PAIR }]
  const sessionToken = setting(environment['AWS_SESSION_TOKEN'])
  return [{ ...found, keys: { accessKeyId, secretAccessKey, sessionToken } }]
}

/** As in the AWS CLI the variables' endpoint counts before the profile's. */
function profileCredentials(config: SharedConfig, name: string, environment: Environment): FoundCredentials {
  const profile = config.profile(name) ?? {}
  const services = profile['services'] === undefined ? undefined : config.services(profile['services'])
  const found: FoundCredentials = {
    kind: 'aws',
    profile: name,
    aliases: [],
    file: config.credentialsFile,
    endpoint:
      endpointOf(environment) ?? setting(services?.['s3.endpoint_url']) ?? setting(profile['endpoint_url']),
    region: setting(profile['region']),
  }
  const accessKeyId = setting(profile['aws_access_key_id'])
  const secretAccessKey = setting(profile['aws_secret_access_key'])
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return {
      ...found,
      keys: { accessKeyId, secretAccessKey, sessionToken: setting(profile['aws_session_token']) },
    }
  }
  if (accessKeyId !== undefined || secretAccessKey !== undefined) return { ...found, problem: HALF_A_PAIR }
  return {
    ...found,
    problem: fetchesKeys(profile) ? 'its keys are fetched when they are needed' : 'it has no key pair',
  }
}

function endpointOf(environment: Environment): string | undefined {
  return setting(environment['AWS_ENDPOINT_URL_S3']) ?? setting(environment['AWS_ENDPOINT_URL'])
}

const HALF_A_PAIR = 'half of its key pair is missing'

/** Options of a profile with which the AWS tools get keys from elsewhere. */
const FETCHING = [
  'role_arn',
  'sso_session',
  'sso_start_url',
  'credential_process',
  'credential_source',
  'web_identity_token_file',
  'login_session',
]

/** Variables with the same meaning. */
const FETCHING_VARIABLES = [
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
]

/** True when a profile, or the environment besides it, tells the AWS tools to fetch keys. */
export function fetchesKeys(profile: Section, environment: Environment = {}): boolean {
  return (
    FETCHING.some((name) => setting(profile[name]) !== undefined) ||
    FETCHING_VARIABLES.some((name) => setting(environment[name]) !== undefined)
  )
}
