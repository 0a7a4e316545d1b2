import { printable } from './printable.ts'
import { count, formatByteSize, formatSeconds, formatTransfer, lines, table } from './report.ts'

/** Objects that are named one by one; of more only the sums are told. */
export const SHOWN_OBJECTS = 100

interface Named {
  name: string
  fingerprint: string
}

/** What rekeying a local file tells; the workflow's own type has this shape. */
interface RekeyedFileToPrint {
  input: string
  output: string
  plaintextSize: number
  seconds: number
  recipients: readonly Named[]
  otherPackets: number
}

interface ObjectToPrint {
  objectKey: string
  target?: { bucket: string; objectKey: string }
  size: number
  packetsBefore: number
  packetsAfter: number
  way: string
  sentBytes: number
}

/** What rekeying objects tells; the workflow's own type has this shape. */
export interface RekeyedObjectsToPrint {
  place: string
  into?: string
  deep: boolean
  dryRun: boolean
  added: readonly Named[]
  removed: readonly Named[]
  exactly?: readonly Named[]
  rekeyed: readonly ObjectToPrint[]
  planned: readonly ObjectToPrint[]
  skipped: { publishedKeys: number; folders: number; notCrypt4gh: number; doneBefore: number }
  failed: readonly unknown[]
  totals: {
    objects: number
    bytes: number
    sentBytes: number
    receivedBytes: number
    copiedBytes: number
    packetsDropped: number
    olderVersions: number
    noLongerReadable: number
    unknownGrants?: number
  }
  report?: string
  seconds: number
}

export function rekeyedFileText(result: RekeyedFileToPrint): string {
  const { input, output, plaintextSize, seconds, recipients, otherPackets } = result
  return lines(
    `rekeyed ${printable(input)} to ${printable(output)}, ${formatTransfer(plaintextSize, seconds)}, sealed for`,
    table(recipients.map(({ name, fingerprint }) => [`  ${name}`, fingerprint])),
    otherPackets === 0
      ? undefined
      : `the old header had ${count(otherPackets, 'packet')} for others: they are out unless named here`,
  )
}

function unknownGrantsLine(objects = 0): string | undefined {
  if (objects === 0) return undefined
  return `  ${count(objects, 'object')} with an ACL that could not be read: whom it let in besides the owners has to be let in again`
}

/** What was done, or would be, to objects; and, once, what that can't do. */
export function rekeyedObjectsText(result: RekeyedObjectsToPrint): string {
  const { dryRun, rekeyed, planned, totals, report } = result
  return lines(
    objectLines(dryRun ? planned : rekeyed, totals.objects),
    summary(result),
    readerLines(result),
    ...skippedLines(result),
    totals.packetsDropped === 0
      ? undefined
      : `  ${dryRun ? 'would drop' : 'dropped'} ${count(totals.packetsDropped, 'packet')} of readers that could not be opened`,
    totals.noLongerReadable === 0
      ? undefined
      : `  ${count(totals.noLongerReadable, 'object')} ${dryRun ? 'could' : 'can'} no longer be opened with these identities`,
    totals.olderVersions === 0
      ? undefined
      : `  kept ${count(totals.olderVersions, 'older version')} with the old header; --delete-replaced deletes what is replaced`,
    unknownGrantsLine(totals.unknownGrants),
    report === undefined ? undefined : `  report   ${printable(report)}`,
    takesNothingBack(result),
  )
}

function objectLines(objects: readonly ObjectToPrint[], all: number): string | undefined {
  if (objects.length === 0) return undefined
  const rows = objects
    .slice(0, SHOWN_OBJECTS)
    .map(({ objectKey, target, size, ...object }) => [
      target === undefined ? objectKey : `${objectKey} -> s3://${target.bucket}/${target.objectKey}`,
      formatByteSize(size),
      `${object.packetsBefore} -> ${count(object.packetsAfter, 'packet')}`,
      `${object.way}, ${formatByteSize(object.sentBytes)} sent`,
    ])
  const more = all - rows.length
  return lines(
    table(rows),
    more > 0
      ? `… and ${count(more, 'more object', 'more objects')}; --report or --json tells of each`
      : undefined,
  )
}

function summary({ place, into, deep, dryRun, totals, seconds }: RekeyedObjectsToPrint): string {
  const { objects, bytes, sentBytes, receivedBytes, copiedBytes } = totals
  const what = `${count(objects, 'object')}, ${formatByteSize(bytes)}, ${deep ? 'with a new data key and body, ' : ''}in ${printable(place)}`
  const where = into === undefined ? '' : ` into ${printable(into)}`
  const moved = `${formatByteSize(sentBytes)} sent, ${formatByteSize(receivedBytes)} received, ${formatByteSize(copiedBytes)} copied by the server`
  return dryRun
    ? `would rekey ${what}${where}: ${moved}`
    : `rekeyed ${what}${where}: ${moved}, ${formatSeconds(seconds)}`
}

function readerLines({ added, removed, exactly, totals }: RekeyedObjectsToPrint): string | undefined {
  if (totals.objects === 0) return undefined
  const rows = [
    ...(exactly ?? []).map(({ name, fingerprint }) => ['  for', name, fingerprint]),
    ...added.map(({ name, fingerprint }) => ['  added', name, fingerprint]),
    ...removed.map(({ name, fingerprint }) => ['  removed', name, fingerprint]),
  ]
  return rows.length === 0 ? undefined : table(rows)
}

function skippedLines({ skipped }: RekeyedObjectsToPrint): string[] {
  const { publishedKeys, folders, notCrypt4gh, doneBefore } = skipped
  const told: [number, string][] = [
    [doneBefore, `${count(doneBefore, 'object')} that an earlier run did`],
    [notCrypt4gh, `${count(notCrypt4gh, 'object')} not encrypted with Crypt4GH`],
    [publishedKeys, count(publishedKeys, 'published key')],
    [folders, count(folders, 'folder marker')],
  ]
  return told.filter(([number]) => number > 0).map(([, words]) => `  left as they are: ${words}`)
}

/** Said once, where somebody may believe otherwise. */
function takesNothingBack(result: RekeyedObjectsToPrint): string | undefined {
  const { deep, dryRun, removed, exactly, totals } = result
  const takesAway = removed.length > 0 || exactly !== undefined || totals.packetsDropped > 0
  if (!takesAway || totals.objects === 0 || dryRun) return undefined
  return deep
    ? 'who kept a copy of the old object can still read that; the new one opens with nothing of the old'
    : 'a removed packet takes nothing back from who kept the old header, the data key or a copy; --deep gives the object a new data key'
}
