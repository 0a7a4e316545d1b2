import { printable } from './printable.ts'
import { count, formatByteSize, formatSeconds, formatTransfer, lines } from './report.ts'

/** What `verify s3://…` tells of an object; the workflow's own type has this shape. */
interface ObjectToPrint {
  objectKey: string
  outcome: string
  etag: string
  parts?: number
  packets?: number
  plaintextSize?: number
  segments?: number
  checked?: number
  dataKeys?: number
  senders?: string[]
  sha256?: string
  recorded?: string
  findings: readonly { finding: string; message: string }[]
}

/** What `verify s3://…` tells. */
export interface VerifiedObjectsToPrint {
  place: string
  headersOnly: boolean
  objects: readonly ObjectToPrint[]
  counts: Readonly<Record<string, number>>
  skipped: number
  notTried: number
  unmatched?: { count: number; examples: readonly string[] }
  bytes: number
  report?: string
  seconds: number
}

/** Warnings that are shown; the JSON document and the report have all. */
const SHOWN_WARNINGS = 20

/** One object with all there is to say of it, several as a sum; what is wrong with any of them is told as a failure. */
export function verifiedObjectsText(result: VerifiedObjectsToPrint): string {
  const { objects, skipped, notTried, unmatched, report } = result
  const [first] = objects
  const isOne = Object.values(result.counts).reduce((sum, number) => sum + number, 0) === 1
  return lines(
    isOne && first !== undefined ? objectText(result.place, first) : sumText(result),
    ...warnings(objects),
    skipped > 0
      ? `left out ${count(skipped, 'published key or folder', 'published keys and folders')}`
      : undefined,
    notTried > 0 ? `not looked at after that: ${count(notTried, 'object')}` : undefined,
    unmatched === undefined ? undefined : unmatchedText(unmatched),
    result.headersOnly
      ? `read only their headers, which proves nothing of the rest, in ${formatSeconds(result.seconds)}`
      : `read ${formatTransfer(result.bytes, result.seconds)}`,
    report === undefined ? undefined : `report in ${printable(report)}`,
  )
}

function objectText(place: string, object: ObjectToPrint): string {
  const { packets, plaintextSize, checked, segments, senders = [], sha256, recorded } = object
  const size = plaintextSize === undefined ? '' : `, ${formatByteSize(plaintextSize)} of plaintext`
  const tags =
    checked === undefined ? count(segments ?? 0, 'segment') : `${count(checked, 'segment')} authenticated`
  // The place may be a prefix with this one object below it.
  const bucket = place.slice(0, place.indexOf('/', 's3://'.length))
  return lines(
    printable(`${bucket}/${object.objectKey} ${SENTENCES[object.outcome] ?? object.outcome}: ${tags}${size}`),
    packets === undefined ? undefined : `header       ${count(packets, 'packet')}`,
    `ETag         ${etagText(object)}`,
    object.dataKeys === undefined ? undefined : `data keys    ${object.dataKeys}`,
    ...senders.map((sender) => `sender       ${sender}`),
    sha256 === undefined
      ? undefined
      : `SHA-256      ${sha256}${recorded === 'matches' ? ', as recorded' : ''}`,
  )
}

const SENTENCES: Readonly<Record<string, string>> = {
  whole: 'is whole',
  unproven: 'looks right by its header',
}

function etagText({ etag, parts }: ObjectToPrint): string {
  return parts === undefined ? etag : `${etag}, ${count(parts, 'part')}`
}

const OUTCOMES: readonly (readonly [outcome: string, words: string])[] = [
  ['whole', 'whole'],
  ['unproven', 'not proven whole'],
  ['damaged', 'damaged'],
  ['not-for-us', 'not for these identities'],
  ['not-crypt4gh', 'not Crypt4GH'],
]

function sumText({ place, counts }: VerifiedObjectsToPrint): string {
  const total = Object.values(counts).reduce((sum, number) => sum + number, 0)
  const said = OUTCOMES.flatMap(([outcome, words]) => {
    const number = counts[outcome] ?? 0
    return number === 0 ? [] : [`${number} ${words}`]
  })
  return printable(`${place}: ${count(total, 'object')}, ${said.join(', ')}`)
}

function warnings(objects: readonly ObjectToPrint[]): string[] {
  const all = objects.flatMap(({ objectKey, findings }) =>
    findings.map(({ finding, message }) =>
      printable(`warning      ${finding}: ${objects.length > 1 ? `${objectKey}: ` : ''}${message}`),
    ),
  )
  const more = all.length - SHOWN_WARNINGS
  return more > 0
    ? [
        ...all.slice(0, SHOWN_WARNINGS),
        `and ${count(more, 'more warning', 'more warnings')}: see --json or --report`,
      ]
    : all
}

function unmatchedText({ count: number, examples }: { count: number; examples: readonly string[] }): string {
  const named = examples.slice(0, 3).join(', ')
  return printable(`no object for ${count(number, 'recorded name')}: ${named}${number > 3 ? ' …' : ''}`)
}
