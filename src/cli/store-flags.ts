import { homedir } from 'node:os'
import * as Flags from '@oclif/core/flags'
import { environment, serversFile, type Environment } from './settings.ts'
import { wrongWords } from './usage-error.ts'

const GROUP = 'STORE'

/** Kinds of servers; storage/provider/provider.ts says what each does. */
const PROVIDERS = [
  'aws',
  'ceph',
  'ceph-keystone',
  'versitygw',
  'minio',
  'swift',
  'scaleway',
  'generic',
] as const
type ProviderChoice = (typeof PROVIDERS)[number]

/** Flags of the commands that talk to a store. */
export const storeFlags = {
  profile: Flags.string({
    description: 'profile of ~/.aws/credentials and ~/.aws/config (default: AWS_PROFILE)',
    helpValue: 'NAME',
    helpGroup: GROUP,
  }),
  'endpoint-url': Flags.string({
    description: "the store's address (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or the profile's)",
    helpValue: 'URL',
    helpGroup: GROUP,
  }),
  region: Flags.string({
    description: "region, where the store has any (default: AWS_REGION, or the profile's)",
    helpValue: 'NAME',
    helpGroup: GROUP,
  }),
  provider: Flags.option({
    options: PROVIDERS,
    description: 'what kind of server it is (default: SEALIFT_PROVIDER, what doctor found, or its answers)',
    helpGroup: GROUP,
  })(),
}

/** What the connect workflow needs to find the store. */
export interface StoreSettings {
  profile: string | undefined
  endpoint: string | undefined
  region: string | undefined
  provider: ProviderChoice | undefined
  /** What `doctor` found out about servers. */
  serversFile: string
  environment: Environment
  homeDirectory: string
}

/** The store flags and the environment. Throws USAGE for a SEALIFT_PROVIDER that is none. */
export function storeSettings(flags: {
  profile?: string | undefined
  'endpoint-url'?: string | undefined
  region?: string | undefined
  provider?: ProviderChoice | undefined
}): StoreSettings {
  return {
    profile: flags.profile,
    endpoint: flags['endpoint-url'],
    region: flags.region,
    provider: flags.provider ?? providerOfEnvironment(environment()),
    serversFile: serversFile(),
    environment: environment(),
    homeDirectory: homedir(),
  }
}

function providerOfEnvironment(env: Environment): ProviderChoice | undefined {
  const name = env['SEALIFT_PROVIDER']
  if (name === undefined || name === '') return undefined
  const known = PROVIDERS.find((one) => one === name)
  if (known !== undefined) return known
  throw wrongWords(
    `SEALIFT_PROVIDER is no kind of server: ${JSON.stringify(name)}`,
    `the kinds are ${PROVIDERS.join(', ')}`,
  )
}
