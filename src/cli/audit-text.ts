import { type AccessLine, accessTable, markOf, namedIdentity } from './access-table.ts'
import { printable } from './printable.ts'
import { count, formatAge, lines, table } from './report.ts'

interface SampleLine {
  count: number
  examples: readonly string[]
}

interface IdentityLine {
  who: string
  name?: string
}

/** What a bucket says about access, as workflows give it. */
export interface BucketReport {
  bucket: string
  owner: IdentityLine
  mechanism: string
  access: readonly AccessLine[]
  objects?: {
    count: number
    skipped?: string
    grants: readonly (SampleLine &
      IdentityLine & {
        unknown?: true
        public: boolean
        blocked: boolean
        owned: number
        permissions: readonly string[]
      })[]
    unreadable: SampleLine
    hidden: SampleLine
  }
  uploads: {
    others: number
    unclear: number
    skipped?: string
    oldest: readonly {
      objectKey: string
      initiatedAt: Date | undefined
      initiator: IdentityLine | undefined
    }[]
  }
  findings: readonly { kind: string; detail: string }[]
}

/** What an audit gives. */
export interface AuditReport {
  endpoint: string
  buckets: readonly BucketReport[]
  failed: readonly { name: string; message: string }[]
  found: Readonly<Partial<Record<string, number>>>
}

/** Every bucket, then what was found in all of them. */
export function auditText({ endpoint, buckets, failed, found }: AuditReport): string {
  const kinds = Object.entries(found).map(([kind, number]) => `${number ?? 0} ${kind}`)
  return lines(
    ...buckets.map((one) => `${bucketText(one)}\n`),
    ...failed.map(({ name, message }) => printable(`${name} was not looked at: ${message}`)),
    `audited ${count(buckets.length, 'bucket')} at ${printable(endpoint)}: ${kinds.length === 0 ? 'nothing to see to' : kinds.join(', ')}`,
  )
}

/** Who can do what with a bucket, and what of it should not go unnoticed. */
export function bucketText({
  bucket,
  owner,
  mechanism,
  access,
  objects,
  uploads,
  findings,
}: BucketReport): string {
  return lines(
    printable(`s3://${bucket}, owner ${namedIdentity(owner)}, by ${mechanism}`),
    access.length === 0 ? '  nobody else has access' : accessTable(access),
    objects === undefined ? undefined : objectsText(objects),
    uploadsText(uploads),
    findings.length === 0 ? undefined : 'see to',
    findings.length === 0 ? undefined : table(findings.map(({ kind, detail }) => [`  ${kind}`, detail])),
  )
}

/** Said once, where the history of this machine is damaged. */
export function damagedHistory(damagedLines: number): string {
  return `${count(damagedLines, 'line')} of this machine's access history cannot be read and ${damagedLines === 1 ? 'is' : 'are'} left out`
}

function objectsText({ count: number, skipped, grants, unreadable, hidden }: ObjectsReport): string {
  const rows = grants.map((grant) => [
    `  ${namedIdentity(grant)}`,
    grant.owned === 0 ? '' : `owns ${grant.owned}`,
    grant.permissions.join(' '),
    grant.count,
    grant.examples.slice(0, SHOWN_EXAMPLES).join(' ') + (grant.count > SHOWN_EXAMPLES ? ' …' : ''),
    grant.blocked ? 'blocked' : markOf(grant),
  ])
  const looked = skipped === undefined ? 'their ACLs give to others' : `ACLs not looked at: ${skipped}`
  const nothing = rows.length === 0 && skipped === undefined
  return lines(
    `${count(number, 'object')}, ${nothing ? 'their ACLs give nothing to others' : printable(looked)}`,
    rows.length === 0 ? undefined : table(rows),
    sampleText('you cannot read', unreadable),
    sampleText('you cannot see the ACL of', hidden),
  )
}

type ObjectsReport = NonNullable<BucketReport['objects']>

/** Object keys that a line names; the JSON document has more. */
const SHOWN_EXAMPLES = 2

function sampleText(what: string, { count: number, examples }: SampleLine): string | undefined {
  if (number === 0) return undefined
  const named = examples.slice(0, SHOWN_EXAMPLES).join(' ')
  return printable(`  ${what} ${count(number, 'object')}: ${named}${number > SHOWN_EXAMPLES ? ' …' : ''}`)
}

function uploadsText({ others, unclear, skipped, oldest }: BucketReport['uploads']): string | undefined {
  if (skipped !== undefined) return printable(`uploads not looked at: ${skipped}`)
  if (others + unclear === 0) return undefined
  const whose = others > 0 ? 'of others' : 'nobody knows whose'
  return lines(
    `${count(others + unclear, 'unfinished upload')}, ${whose}`,
    table(
      oldest.map(({ objectKey, initiatedAt, initiator }) => [
        `  ${objectKey}`,
        `begun ${formatAge(initiatedAt)} ago`,
        initiator === undefined ? '' : `by ${namedIdentity(initiator)}`,
      ]),
    ),
  )
}
