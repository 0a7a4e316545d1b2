import { join } from 'node:path'
import { endpointWithScheme, readConfigFile, setting, type FoundCredentials } from './found-credentials.ts'
import { type IniSection, parseIniSections } from './ini-sections.ts'

/** What rclone writes above a configuration that is encrypted with a password (its docs, "Configuration Encryption"). */
const ENCRYPTED = /^\s*RCLONE_ENCRYPT_V\d+:/m

/**
 * The S3 remotes of rclone's configuration, as `rclone:NAME`. An encrypted or unreadable file is one entry that says so.
 * Its place as rclone looks for it: RCLONE_CONFIG, `rclone/rclone.conf` in XDG_CONFIG_HOME or `~/.config`, `~/.rclone.conf`.
 */
export async function findRcloneRemotes(
  environment: Readonly<Record<string, string | undefined>>,
  homeDirectory: string,
): Promise<FoundCredentials[]> {
  for (const file of configFiles(environment, homeDirectory)) {
    const config = await readConfigFile(file)
    if (config === undefined) continue
    return 'problem' in config ? [unusable(file, config.problem)] : parseRcloneConfig(config.text, file)
  }
  return []
}

/** The S3 remotes in the text of a configuration. */
export function parseRcloneConfig(text: string, file: string): FoundCredentials[] {
  if (ENCRYPTED.test(text)) {
    return [unusable(file, 'it is encrypted with a password, and only rclone opens it')]
  }
  return parseIniSections(text)
    .filter(({ name, options }) => name !== '' && options['type']?.toLowerCase() === 's3')
    .map((section) => remoteOf(section, file))
}

function remoteOf({ name, options }: IniSection, file: string): FoundCredentials {
  const accessKeyId = setting(options['access_key_id'])
  const secretAccessKey = setting(options['secret_access_key'])
  const endpoint = endpointWithScheme(setting(options['endpoint']))
  const found: FoundCredentials = {
    kind: 'rclone',
    profile: `rclone:${name}`,
    aliases: [name],
    file,
    endpoint,
    region: setting(options['region']),
    ...(options['force_path_style']?.toLowerCase() === 'false' ? { forcePathStyle: false } : {}),
  }
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const fromElsewhere = options['env_auth']?.toLowerCase() === 'true'
    const problem = fromElsewhere ? 'it takes its keys from the environment (env_auth)' : 'it has no key pair'
    return { ...found, problem }
  }
  if (endpoint === undefined && options['provider']?.toUpperCase() !== 'AWS') {
    return { ...found, problem: 'it has no endpoint' }
  }
  return {
    ...found,
    keys: { accessKeyId, secretAccessKey, sessionToken: setting(options['session_token']) },
  }
}

function unusable(file: string, problem: string): FoundCredentials {
  return { kind: 'rclone', profile: 'rclone:', aliases: [], file, problem }
}

function configFiles(
  environment: Readonly<Record<string, string | undefined>>,
  homeDirectory: string,
): string[] {
  const named = setting(environment['RCLONE_CONFIG'])
  if (named !== undefined) return [named]
  const xdg = setting(environment['XDG_CONFIG_HOME'])
  return [
    ...(xdg === undefined ? [] : [join(xdg, 'rclone', 'rclone.conf')]),
    join(homeDirectory, '.config', 'rclone', 'rclone.conf'),
    join(homeDirectory, '.rclone.conf'),
  ]
}
