import { table } from './report.ts'

/** Who may do what, as workflows give it. */
export interface AccessLine {
  who: string
  /** In the address book. */
  name?: string
  access: string
  mechanism: string
  by?: string
  public: boolean
  unknown?: true
  actions: readonly string[]
  until?: string
  expired?: boolean
  since?: string
  prefix?: string
  fromIp?: string
}

/** Each access with its limits; what is no role of ours is spelled out. */
export function accessTable(access: readonly AccessLine[]): string {
  return table(
    access.map((entry) => [
      `  ${namedIdentity(entry)}`,
      entry.access,
      entry.by === undefined ? `by ${entry.mechanism}` : `by ${entry.mechanism}, ${entry.by}`,
      entry.access === 'other' || entry.access === 'denied' ? entry.actions.join(' ') : limitsOf(entry),
      entry.since === undefined ? '' : `since ${entry.since.slice(0, 10)}`,
      markOf(entry),
    ]),
  )
}

/** `project_2000111 (rgw:project_2000111)`, or the identity alone where the address book has none. */
export function namedIdentity({ who, name }: Pick<AccessLine, 'who' | 'name'>): string {
  return name === undefined ? who : `${name} (${who})`
}

/** What must not be overlooked. */
export function markOf({ public: isPublic, unknown }: Pick<AccessLine, 'public' | 'unknown'>): string {
  if (isPublic) return 'PUBLIC'
  return unknown === true ? 'UNKNOWN' : ''
}

/** `until 2026-12-01T00:00:00.000Z, below run_12/, from 192.0.2.0/24`, or nothing. */
export function limitsOf(
  limits: Partial<Pick<AccessLine, 'until' | 'expired' | 'prefix' | 'fromIp'>>,
): string {
  return [
    limits.until === undefined ? '' : `${limits.expired === true ? 'ended' : 'until'} ${limits.until}`,
    limits.prefix === undefined ? '' : `below ${limits.prefix}`,
    limits.fromIp === undefined ? '' : `from ${limits.fromIp}`,
  ]
    .filter((limit) => limit !== '')
    .join(', ')
}
