import { printable } from './printable.ts'
import { count, formatByteSize, formatSeconds, lines } from './report.ts'

/** What `serve` gives when it was ended. */
export interface Served {
  bucket: string
  objectKey: string
  seconds: number
  requests: number
  refused: number
  servedBytes: number
  cutShort: number
  fetches: number
  fetchedBytes: number
  reads: number
  readsFromMemory: number
}

/** What is said once the address is there; it stands on stdout alone. */
export function servingText(place: string): string {
  return `serves ${place} decrypted, to whoever on this machine has the address; Ctrl-C ends it`
}

/** How much was asked for, and what it took. */
export function servedText(served: Served): string {
  const { bucket, objectKey, seconds, requests, refused, servedBytes, cutShort } = served
  const { fetches, fetchedBytes, reads, readsFromMemory } = served
  const fromMemory =
    reads === 0 ? '' : `, ${String(Math.round((100 * readsFromMemory) / reads))} % from memory`
  return lines(
    `${printable(`s3://${bucket}/${objectKey}`)} was served for ${formatSeconds(seconds)}: ${count(requests, 'request')}, ${formatByteSize(servedBytes)}${fromMemory}`,
    `fetched ${formatByteSize(fetchedBytes)} in ${count(fetches, 'request')}; the plaintext in memory was wiped`,
    refused === 0 ? undefined : `turned away ${count(refused, 'request')} without the token`,
    cutShort === 0 ? undefined : `cut short ${count(cutShort, 'answer')} that could not be read to the end`,
  )
}
