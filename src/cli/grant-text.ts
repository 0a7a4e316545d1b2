import { limitsOf } from './access-table.ts'
import { printable } from './printable.ts'
import { count, lines } from './report.ts'

/** A grant, as the workflow gives it. */
export interface GrantLine {
  bucket: string
  project: string
  identity: string
  address: string
  role: string
  mechanism: string
  state: string
  until?: string
  prefix?: string
  fromIp?: string
  by?: string
  listsKeys: boolean
  objects?: number
  public: readonly { who: string }[]
  before?: readonly object[]
  after?: readonly object[]
}

/** What was granted, or would be, and what the other project has to know. */
export function grantText(grant: GrantLine): string {
  const limits = limitsOf(grant)
  const isPlanned = grant.state === 'planned'
  return lines(
    printable(
      `${grant.project} (${grant.identity}) ${isPlanned ? 'would be' : 'is'} ${grant.role} of s3://${grant.bucket}${limits === '' ? '' : `, ${limits}`}`,
    ),
    isPlanned ? diffText(grant) : writtenText(grant),
    ...addressLines(grant).map((line) => `  ${line}`),
    ...grant.public.map(({ who }) => `  warning: the bucket is open to ${printable(who)} as well`),
  )
}

/** What the other project has to be told, where its own view of the bucket is not the owner's. */
export function addressLines({
  address,
  bucket,
  listsKeys,
}: Pick<GrantLine, 'address' | 'bucket' | 'listsKeys'>): string[] {
  return [
    ...(address === `s3://${bucket}/` ? [] : [printable(`for the project its address is ${address}`)]),
    ...(listsKeys ? [] : ['the project cannot look for your keys here: send it the key file']),
  ]
}

function writtenText({ mechanism, objects, by }: GrantLine): string {
  const form = by === undefined ? '' : " in SD Connect's form"
  return mechanism === 'policy'
    ? `  by bucket policy${form}, read back as written`
    : `  by ACL, read back as written; ${count(objects ?? 0, 'object')} shared, later ones are not`
}

/** Line by line, what goes with - and what comes with +. What stays is counted. */
function diffText({ before = [], after = [], mechanism }: GrantLine): string {
  const what = mechanism === 'policy' ? 'policy statement' : 'grant'
  const [was, willBe] = [before.map(spelled), after.map(spelled)]
  const gone = was.filter((line) => !willBe.includes(line))
  const added = willBe.filter((line) => !was.includes(line))
  const staying = was.length - gone.length
  return lines(
    ...gone.map((line) => printable(`- ${line}`)),
    ...added.map((line) => printable(`+ ${line}`)),
    staying === 0 ? undefined : `  ${count(staying, what)} ${staying === 1 ? 'stays' : 'stay'}`,
    gone.length + added.length === 0 ? '  nothing would change' : '  nothing was written',
  )
}

function spelled(part: object): string {
  return JSON.stringify(part)
}
