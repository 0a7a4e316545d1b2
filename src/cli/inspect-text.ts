import { printable } from './printable.ts'
import { count, formatByteSize, lines, table } from './report.ts'

/** What was found in a file or object, as the inspect workflow gives it. */
export interface InspectReport {
  name: string
  size: number
  content: 'crypt4gh' | 'headerless' | 'swift-manifest' | 'empty' | 'other'
  reasons: readonly string[]
  header?: {
    length: number
    packets: readonly {
      length: number
      method: number
      sender?: string
      reader?: string
      contents?: string
    }[]
    senders: readonly { fingerprint: string; words: string; name?: string; packets: number }[]
  }
  recipients?: readonly { name: string; fingerprint: string; opens: 'yes' | 'no' | 'unknown' }[]
  dataKeys?: number
  body?: {
    segments: number
    storedSize: number
    plaintextSize?: number
    strayBytes: number
    noncesCompared: boolean
  }
  findings: readonly { finding: string; message: string }[]
}

const CONTENTS: Readonly<Record<InspectReport['content'], string>> = {
  crypt4gh: 'Crypt4GH, self-contained',
  headerless:
    'no Crypt4GH header: probably a body whose header is kept elsewhere, as SD Connect does; a guess',
  'swift-manifest':
    'probably the manifest of a large Swift object, whose bytes S3 cannot read: fetch it with a Swift client; a guess',
  empty: 'empty, not Crypt4GH',
  other: 'not Crypt4GH',
}

const OPENS: Readonly<Record<'yes' | 'no' | 'unknown', string>> = {
  yes: 'can open it',
  no: 'cannot open it',
  unknown: "cannot be told: a packet does not say whom it is for; the reader's or sender's secret key can",
}

/** Packets that are shown one by one; --json has them all. */
const SHOWN_PACKETS = 20

/** The result of inspect for people. */
export function inspectText(report: InspectReport): string {
  const { name, size, content, reasons, header, recipients, findings } = report
  return lines(
    `${printable(name)}  ${formatByteSize(size)}`,
    `what     ${CONTENTS[content]}`,
    ...(content === 'crypt4gh' ? [] : reasons.map((reason) => `why      ${printable(reason)}`)),
    ...(header === undefined ? [] : headerLines(header)),
    ...(recipients ?? []).map(
      (reader) => `reader   ${printable(reader.name)}  ${reader.fingerprint}  ${OPENS[reader.opens]}`,
    ),
    ...bodyLines(report),
    ...findings.map(({ finding, message }) => `warning  ${finding}: ${printable(message)}`),
  )
}

function headerLines({ length, packets, senders }: NonNullable<InspectReport['header']>): string[] {
  const shown = packets.slice(0, SHOWN_PACKETS)
  const rows = shown.map(({ length: bytes, method, sender, reader, contents }, number) => [
    `  ${number}`,
    count(bytes, 'byte'),
    sender === undefined ? `method ${method}, unreadable` : `by ${sender}`,
    reader === undefined ? '' : `for ${reader}`,
    contents ?? '',
  ])
  return [
    `header   ${count(length, 'byte')}, ${count(packets.length, 'packet')}`,
    ...(rows.length === 0 ? [] : [table(rows)]),
    ...(packets.length > shown.length ? [`  … ${packets.length - shown.length} more, in --json`] : []),
    ...senders.slice(0, SHOWN_PACKETS).map((sender) => {
      const who = sender.name === undefined ? '' : `  ${printable(sender.name)}`
      return `sender   ${sender.fingerprint}  ${sender.words}${who}`
    }),
  ]
}

function bodyLines({ content, body, dataKeys, header }: InspectReport): string[] {
  if (body === undefined) return []
  const { segments, storedSize, plaintextSize } = body
  const stored = `${formatByteSize(storedSize)} of plaintext`
  const size =
    plaintextSize === undefined
      ? `${stored}${header === undefined ? ' if it is one' : ', of which an edit list may hide some'}`
      : plaintextSize === storedSize
        ? stored
        : `${stored}, ${formatByteSize(plaintextSize)} of it for this reader`
  return [
    ...(dataKeys === undefined
      ? []
      : [`opens    ${dataKeys === 0 ? 'not with these identities' : count(dataKeys, 'data key')}`]),
    `body     ${count(segments, 'segment')}, ${size}`,
    ...(content === 'crypt4gh' && body.noncesCompared ? ['nonces   of all segments compared'] : []),
  ]
}
