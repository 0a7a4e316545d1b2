import { printable } from './printable.ts'
import { lines, table } from './report.ts'

/** What workflows give of a set of credentials. */
interface CredentialsLine {
  profile?: string
  file?: string
  endpoint?: string
  accessKeyId?: string
  state: string
  problem?: string
  identity?: string
  project?: string
  inUse: boolean
}

/** What workflows give of a check. */
interface FindingLine {
  check: string
  result: 'ok' | 'warning' | 'failed' | 'skipped'
  message: string
  hint?: string
}

/** What workflows give of the server. */
export interface DoctorReport {
  credentials: readonly CredentialsLine[]
  keystone?: {
    authUrl?: string | undefined
    projectId?: string | undefined
    projectName?: string | undefined
  }
  findings: readonly FindingLine[]
  provider?: { title: string; capabilities: object }
  savedTo?: string
}

/** The whole report: credentials, checks with their hints, what the server does, and where that was written. */
export function doctorText({ credentials, keystone, findings, provider, savedTo }: DoctorReport): string {
  return lines(
    'credentials',
    credentials.length === 0
      ? '  none in the AWS_ variables, ~/.aws, rclone.conf and .s3cfg'
      : credentialsTable(credentials),
    ...credentials
      .filter(({ problem }) => problem !== undefined)
      .map(({ profile, problem = '' }) => `    ${printable(`${profile ?? 'AWS_ variables'}: ${problem}`)}`),
    keystone === undefined ? undefined : `  ${printable(keystoneLine(keystone))}`,
    findings.length === 0 ? undefined : 'checks',
    ...findings.flatMap(findingLines),
    provider === undefined ? undefined : `what ${printable(provider.title)} does`,
    provider === undefined ? undefined : capabilitiesTable(provider.capabilities),
    savedTo === undefined ? undefined : `remembered in ${printable(savedTo)}`,
  )
}

function credentialsTable(credentials: readonly CredentialsLine[]): string {
  return table(
    credentials.map(({ profile, file, endpoint, accessKeyId, state, identity, project, inUse }) => [
      inUse ? '*' : ' ',
      profile ?? 'AWS_ variables',
      accessKeyId ?? '-',
      endpoint ?? 'AWS',
      state,
      [project, identity].filter((name) => name !== undefined).join(' = ') || '-',
      file ?? '',
    ]),
  )
}

function keystoneLine({ authUrl, projectId, projectName }: NonNullable<DoctorReport['keystone']>): string {
  const project = [projectName, projectId].filter((part) => part !== undefined).join(' = ')
  const where = authUrl === undefined ? '' : ` at ${authUrl}`
  return `OpenStack: ${project === '' ? 'no project chosen' : `project ${project}`}${where}; S3 keys are made with \`openstack ec2 credentials create\``
}

function findingLines({ check, result, message, hint }: FindingLine): string[] {
  const line = `  ${result.padEnd(7)}  ${check.padEnd(CHECK_WIDTH)}  ${message}`
  return [
    printable(line),
    ...(hint === undefined ? [] : [printable(`${' '.repeat(CHECK_WIDTH + 13)}${hint}`)]),
  ]
}

const CHECK_WIDTH = 'conditional-complete'.length

function capabilitiesTable(capabilities: object): string {
  const word = (value: unknown): string =>
    typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)
  return table(
    Object.entries(capabilities).map(([name, value]) => [
      ' ',
      // `conditionalPut` of the JSON document is `conditional put` for people.
      name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
      word(value),
    ]),
  )
}
