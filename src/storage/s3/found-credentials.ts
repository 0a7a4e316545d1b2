import { hasCode } from '../../util/errors.ts'
import { readSmallFile } from '../../util/small-file.ts'
import type { Credentials } from './connection.ts'

/** Credentials that some program's configuration holds. `keys` are secret: nothing here goes to the terminal as it is. */
export interface FoundCredentials {
  kind: 'environment' | 'aws' | 'rclone' | 's3cmd'
  /** What --profile takes for them: `default`, `rclone:s3allas`, `s3cfg:`; absent for the environment's. */
  profile?: string
  /** Other names that --profile takes where they are clear. */
  aliases: readonly string[]
  file?: string
  /** Absent for AWS itself. */
  endpoint?: string | undefined
  region?: string | undefined
  forcePathStyle?: boolean
  keys?: Credentials
  /** Why there are no keys to use, as the end of a sentence about the file. */
  problem?: string
}

/** Bytes. Configuration files have a few hundred; what is larger is something else. */
export const CONFIG_FILE_LIMIT = 1024 * 1024

/** The text of a configuration file, why it can't be had, or undefined where there is none. */
export async function readConfigFile(
  file: string,
): Promise<{ text: string } | { problem: string } | undefined> {
  try {
    const content = await readSmallFile(file, 'read', CONFIG_FILE_LIMIT)
    return { text: new TextDecoder().decode(content) }
  } catch (error) {
    if (hasCode(error, 'FILE_NOT_FOUND')) return undefined
    if (hasCode(error, 'USAGE')) return { problem: `it has more than ${CONFIG_FILE_LIMIT} bytes` }
    if (hasCode(error, 'FILE_UNREADABLE')) return { problem: 'it cannot be read' }
    throw error
  }
}

/** An option's value without the blanks around it; undefined when nothing is left. */
export function setting(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim()
}

/** An address as these programs take it: without a scheme it is https. */
export function endpointWithScheme(
  address: string | undefined,
  scheme: 'http' | 'https' = 'https',
): string | undefined {
  if (address === undefined) return undefined
  return /^[a-z][a-z\d+.-]*:\/\//i.test(address) ? address : `${scheme}://${address}`
}

/** The same keys at the same endpoint, once: allas_conf writes them to several places. The first place stays. */
export function distinct(found: readonly FoundCredentials[]): FoundCredentials[] {
  const seen = new Set<string>()
  return found.filter(({ keys, endpoint }) => {
    if (keys === undefined) return true
    const identity = JSON.stringify([
      keys.accessKeyId,
      keys.secretAccessKey,
      keys.sessionToken,
      hostOf(endpoint),
    ])
    if (seen.has(identity)) return false
    seen.add(identity)
    return true
  })
}

/** True when two addresses lead to the same server. */
export function sameServer(a: string | undefined, b: string | undefined): boolean {
  return hostOf(a) === hostOf(b)
}

function hostOf(endpoint: string | undefined): string {
  return URL.parse(endpoint ?? '')?.host ?? endpoint ?? ''
}
