import { homedir } from 'node:os'
import * as Flags from '@oclif/core/flags'
import { environment, type Environment } from './settings.ts'

const GROUP = 'STORE'

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
}

/** What the connect workflow needs to find the store. */
export interface StoreSettings {
  profile: string | undefined
  endpoint: string | undefined
  region: string | undefined
  environment: Environment
  homeDirectory: string
}

/** The store flags and the environment. */
export function storeSettings(flags: {
  profile?: string | undefined
  'endpoint-url'?: string | undefined
  region?: string | undefined
}): StoreSettings {
  return {
    profile: flags.profile,
    endpoint: flags['endpoint-url'],
    region: flags.region,
    environment: environment(),
    homeDirectory: homedir(),
  }
}
