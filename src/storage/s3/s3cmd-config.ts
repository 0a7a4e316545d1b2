import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { endpointWithScheme, readConfigFile, setting, type FoundCredentials } from './found-credentials.ts'
import { type IniSection, parseIniSections } from './ini-sections.ts'

/** s3cmd's own default, which stands for AWS. */
const AWS_HOST = 's3.amazonaws.com'

/** `~/.s3cfg_PROJECT` files that are looked at; allas_conf writes one for each project. */
const FILE_LIMIT = 50

/**
 * The key pairs of s3cmd: S3CMD_CONFIG or `~/.s3cfg` as `s3cfg:`, and the `~/.s3cfg_NAME` that allas_conf leaves for each
 * project as `s3cfg:NAME`. A file that can't be read is an entry that says so.
 */
export async function findS3cmdConfigs(
  environment: Readonly<Record<string, string | undefined>>,
  homeDirectory: string,
): Promise<FoundCredentials[]> {
  const main = setting(environment['S3CMD_CONFIG']) ?? join(homeDirectory, '.s3cfg')
  const others = (await readdir(homeDirectory).catch(() => []))
    .filter((name) => name.startsWith('.s3cfg_'))
    .sort()
    .slice(0, FILE_LIMIT)
    .map((name) => [name.slice('.s3cfg_'.length), join(homeDirectory, name)] as const)
  const found: FoundCredentials[] = []
  for (const [name, file] of [['', main] as const, ...others]) {
    const config = await readConfigFile(file)
    if (config === undefined) continue
    found.push(
      'problem' in config
        ? { kind: 's3cmd', profile: `s3cfg:${name}`, aliases: [], file, problem: config.problem }
        : parseS3cmdConfig(config.text, name, file),
    )
  }
  return found
}

/** The key pair in the text of a configuration. s3cmd reads all sections as one, the later value of an option counts. */
export function parseS3cmdConfig(text: string, name: string, file: string): FoundCredentials {
  const sections = parseIniSections(text)
  const options = Object.fromEntries(sections.flatMap((section) => Object.entries(section.options)))
  const titles = sections
    .map((section) => section.name)
    .filter((title) => title !== '' && title !== 'default')
  const accessKeyId = unquoted(options['access_key'])
  const secretAccessKey = unquoted(options['secret_key'])
  const found: FoundCredentials = {
    kind: 's3cmd',
    profile: `s3cfg:${name}`,
    aliases: titles.flatMap((title) => [`s3cfg:${title}`, title]),
    file,
    endpoint: endpointOf(options),
    region: regionOf(options),
  }
  if (accessKeyId === undefined || secretAccessKey === undefined)
    return { ...found, problem: 'it has no key pair' }
  return { ...found, keys: { accessKeyId, secretAccessKey, sessionToken: unquoted(options['access_token']) } }
}

/** allas_conf writes `host_base` with a scheme for LUMI-O and without one for Allas. */
function endpointOf(options: IniSection['options']): string | undefined {
  const host = unquoted(options['host_base'])
  if (host === undefined || host === AWS_HOST) return undefined
  const plain = ['false', '0', 'no', 'off'].includes((unquoted(options['use_https']) ?? '').toLowerCase())
  return endpointWithScheme(host, plain ? 'http' : 'https')
}

/** `US` is s3cmd's word for no region. */
function regionOf(options: IniSection['options']): string | undefined {
  const region = unquoted(options['bucket_location'])
  return region === 'US' ? undefined : region
}

function unquoted(value: string | undefined): string | undefined {
  return setting(/^(["'])(.*)\1$/.exec(value ?? '')?.[2] ?? value)
}
