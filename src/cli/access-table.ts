import { table } from './report.ts'

/** Who may do what, as workflows give it. */
export interface AccessLine {
  who: string
  access: string
  mechanism: string
  public: boolean
  actions: readonly string[]
  until?: string
  expired?: boolean
  prefix?: string
  fromIp?: string
}

/** Each access with its limits; what is no role of ours is spelled out. */
export function accessTable(access: readonly AccessLine[]): string {
  return table(
    access.map((entry) => [
      `  ${entry.who}`,
      entry.access,
      `by ${entry.mechanism}`,
      entry.access === 'other' || entry.access === 'denied' ? entry.actions.join(' ') : limitsOf(entry),
      entry.public ? 'PUBLIC' : '',
    ]),
  )
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
