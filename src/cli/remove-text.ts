import { leftOutText, unnamedFailures } from './copy-text.ts'
import { printable } from './printable.ts'
import { count, formatByteSize, lines } from './report.ts'

interface CountedToPrint {
  objects: number
  olderVersions: number
  deleteMarkers: number
  bytes: number
}

/** One object or version; the workflow's own type has this shape. */
export interface RemovedToPrint {
  objectKey: string
  size: number
  versionId?: string
  kind?: 'object' | 'delete-marker'
}

/** What `rm` tells; the workflow's own type has this shape. */
export interface RemovalToPrint {
  place: string
  dryRun: boolean
  versions: 'newest' | 'all' | 'older'
  removed: CountedToPrint
  leftOut: { publishedKeys: number; byPattern: number; folderItself: number }
  olderVersions: 'kept' | 'none' | 'unknown'
  kept?: CountedToPrint
  failed: readonly unknown[]
  failedCount: number
}

/** The question before anything is deleted. */
export function removalQuestion(
  place: string,
  versions: RemovalToPrint['versions'],
  counted: CountedToPrint,
): string {
  const what = versions === 'newest' ? objectsText(counted) : versionsText(counted)
  return `delete ${what}${versions === 'newest' ? '' : ', for good,'} ${where(place)}?`
}

/** One line of a dry run. */
export function removedLine({ objectKey, size, versionId, kind }: RemovedToPrint): string {
  const name = `${formatByteSize(size).padStart(SIZE_WIDTH)}  ${printable(objectKey)}`
  if (versionId === undefined) return name
  return `${name}  ${kind === 'delete-marker' ? 'delete marker' : 'version'} ${printable(versionId)}`
}

/** The widest size formatByteSize gives: `1023 KiB`. */
const SIZE_WIDTH = 8

/** What was deleted, for people, and what is still there. */
export function removalText(result: RemovalToPrint): string {
  const { place, dryRun, versions, removed } = result
  const what = versions === 'newest' ? objectsText(removed) : versionsText(removed)
  const forGood = versions === 'newest' ? '' : ' for good'
  return lines(
    `${dryRun ? 'would delete' : 'deleted'}${forGood} ${what} ${where(place)}`,
    leftOutText(result.leftOut),
    keptText(result),
    unnamedFailures(result),
  )
}

function keptText({
  place,
  dryRun,
  versions,
  removed,
  olderVersions,
  kept,
}: RemovalToPrint): string | undefined {
  if (versions !== 'newest') return undefined
  const command = `sealift rm ${printable(place)}${place.endsWith('/') ? ' --recursive' : ''} --versions`
  if (dryRun) {
    return olderVersions === 'kept'
      ? `the bucket keeps versions: they would stay readable there as older versions; for good: ${command}`
      : undefined
  }
  if (kept !== undefined) {
    if (kept.olderVersions === 0) return undefined
    return lines(
      `the bucket keeps versions: ${count(kept.olderVersions, 'older version')} there, ${formatByteSize(kept.bytes)}, can still be read`,
      `  to delete them for good: ${command}`,
    )
  }
  if (olderVersions === 'none' || removed.objects === 0) return undefined
  return `what was deleted may stay readable as older versions, which these credentials can't see: ${command}`
}

function objectsText({ objects, bytes }: CountedToPrint): string {
  return `${count(objects, 'object')}, ${formatByteSize(bytes)},`
}

function versionsText({ objects, olderVersions, deleteMarkers, bytes }: CountedToPrint): string {
  const what = [
    count(objects, 'object'),
    count(olderVersions, 'older version'),
    count(deleteMarkers, 'delete marker'),
  ]
  return `${what.join(', ')}, ${formatByteSize(bytes)},`
}

function where(place: string): string {
  return place.endsWith('/') ? `below ${printable(place)}` : `at ${printable(place)}`
}
