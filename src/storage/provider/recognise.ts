import type { ProviderName } from './provider.ts'

/**
 * What kind of server it may be, from its name and its answers. A hint that chooses a profile: anybody can put any
 * header in front of any server, and none of it proves that a grant is enforced.
 */

/** Endpoints whose server is known; a suffix of the host name. */
const HOSTS: readonly (readonly [string, ProviderName])[] = [
  // Allas and LUMI-O of CSC: Ceph with the projects of Keystone.
  ['a3s.fi', 'ceph-keystone'],
  ['lumidata.eu', 'ceph-keystone'],
  ['amazonaws.com', 'aws'],
  ['amazonaws.com.cn', 'aws'],
  ['scw.cloud', 'scaleway'],
]

/** The kind of server at a well-known endpoint; undefined for all others. */
export function providerOfEndpoint(endpoint: string): ProviderName | undefined {
  const host = URL.parse(endpoint)?.hostname.replace(/\.$/, '').toLowerCase()
  if (host === undefined) return undefined
  return HOSTS.find(([suffix]) => host === suffix || host.endsWith(`.${suffix}`))?.[1]
}

/** Headers of an answer, their names in lower case. */
export type AnswerHeaders = Readonly<Record<string, string | undefined>>

/** The kind of server that gives such answers; undefined when nothing in them tells. */
export function providerOfHeaders(headers: AnswerHeaders): ProviderName | undefined {
  const server = headers['server'] ?? ''
  const sandbox = /^sealift-sandbox(?: \(([\w-]+)\))?$/.exec(server)
  if (sandbox !== null) return providerOfPersonality(sandbox[1])
  if (/^minio\b/i.test(server)) return 'minio'
  if (/^versitygw\b/i.test(server)) return 'versitygw'
  if (/^amazons3\b/i.test(server)) return 'aws'
  // Swift's request ids have the same form, and stand in a header of its own as well.
  if (headers['x-trans-id'] !== undefined) return 'swift'
  // RGW: `tx` and 21 hex digits, the time, the instance and the zone.
  return /^tx[0-9a-f]{21}-[0-9a-f]{10}-/.test(headers['x-amz-request-id'] ?? '') ? 'ceph' : undefined
}

/** Kinds of servers that the sandbox plays. The faults it plays besides are those of a Ceph RGW. */
const PERSONALITIES: readonly ProviderName[] = ['aws', 'minio', 'versitygw', 'swift']

function providerOfPersonality(personality: string | undefined): ProviderName {
  return PERSONALITIES.find((name) => name === personality) ?? 'ceph'
}
