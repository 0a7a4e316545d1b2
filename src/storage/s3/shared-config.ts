/** Reads `~/.aws/credentials` and `~/.aws/config` as the AWS CLI does: option names in any case. */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { loadSharedConfigFiles } from '@smithy/shared-ini-file-loader'
import { AppError } from '../../util/errors.ts'
import { CONFIG_FILE_LIMIT } from './found-credentials.ts'

/** Options of one profile or section, their names in lower case. */
export type Section = Readonly<Record<string, string | undefined>>

export interface SharedConfig {
  /** The named profile, both files merged (credentials win, as in the AWS CLI); undefined when neither has it. */
  profile(name: string): Section | undefined
  /** The names of all profiles, those of the credentials file first. */
  profileNames(): string[]
  /** The `[services NAME]` section of the config file. */
  services(name: string): Section | undefined
  /** Where they were looked for, for messages. */
  credentialsFile: string
}

/**
 * @param environment - AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name other files
 * @throws AppError FILE_UNREADABLE when a file exists and can't be read, or is no configuration by its size
 */
export async function readSharedConfig(
  environment: Readonly<Record<string, string | undefined>>,
  homeDirectory: string,
): Promise<SharedConfig> {
  const { filepath, configFilepath } = sharedFiles(environment, homeDirectory)
  // The loader takes a file that it can't read for an empty one.
  await Promise.all([filepath, configFilepath].map(checkReadable))
  const files = await loadSharedConfigFiles({ filepath, configFilepath, ignoreCache: true })
  return {
    profile: (name) => merged(files.configFile[name], files.credentialsFile[name]),
    profileNames: () => [
      ...new Set(
        [...Object.keys(files.credentialsFile), ...Object.keys(files.configFile)].filter(
          (name) => !/^(services|sso-session)\./.test(name),
        ),
      ),
    ],
    services: (name) => merged(files.configFile[`services.${name}`]),
    credentialsFile: filepath,
  }
}

/** Where the files are, by the SDK's names: AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name other ones. */
export function sharedFiles(
  environment: Readonly<Record<string, string | undefined>>,
  homeDirectory: string,
): { filepath: string; configFilepath: string } {
  return {
    filepath: environment['AWS_SHARED_CREDENTIALS_FILE'] ?? join(homeDirectory, '.aws', 'credentials'),
    configFilepath: environment['AWS_CONFIG_FILE'] ?? join(homeDirectory, '.aws', 'config'),
  }
}

function merged(...sections: (Section | undefined)[]): Section | undefined {
  const found = sections.filter((section) => section !== undefined)
  if (found.length === 0) return undefined
  return Object.fromEntries(found.flatMap((section) => Object.entries(lowerCaseNames(section))))
}

/** `allas_conf` writes AWS_ACCESS_KEY_ID; the AWS CLI takes any case, the SDK's own reader only lower case. */
function lowerCaseNames(options: Section): Section {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name.toLowerCase(), value]))
}

async function checkReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK)
    const { size } = await stat(path)
    if (size > CONFIG_FILE_LIMIT) {
      throw new AppError('FILE_UNREADABLE', `${path} has more than ${CONFIG_FILE_LIMIT} bytes`)
    }
  } catch (error) {
    if (error instanceof AppError) throw error
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') {
      throw new AppError('FILE_UNREADABLE', `no permission to read ${path}`, { cause: error })
    }
  }
}
