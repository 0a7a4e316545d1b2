import type { SegmentRun } from '../crypto/crypt4gh/covered-segments.ts'
import type { ExaminedHeader, ExaminedPacket } from '../crypto/crypt4gh/examine-header.ts'
import type { NonceRecord } from '../crypto/crypt4gh/nonce-record.ts'
import { fingerprint } from '../crypto/keys/fingerprint.ts'

/**
 * What is wrong or odd about a file that can be read all the same; part of the --json contract.
 * docs/inspect.md explains each.
 */
export interface Finding {
  finding:
    | 'nonce-reuse'
    | 'nonce-reuse-in-header'
    | 'copied-segments'
    | 'hidden-segments'
    | 'several-senders'
    | 'several-edit-lists'
    | 'unusable-packet'
    | 'stray-bytes'
    | 'not-all-compared'
  /** For people. */
  message: string
}

/** What the packets of a header show. */
export function headerFindings({ packets, nonceReuse }: ExaminedHeader): Finding[] {
  const findings: Finding[] = nonceReuse.map(({ packets: [first, second], proof }) => ({
    finding: 'nonce-reuse-in-header',
    message:
      proof === 'same-reader'
        ? `header packets ${first} and ${second} have the same reader, sender and nonce: who guesses what one holds can read the other, data key included`
        : `header packets ${first} and ${second} have the same sender and nonce: unless they are for different readers, who guesses what one holds can read the other, data key included`,
  }))
  for (const [number, { contents }] of packets.entries()) {
    if (contents === undefined || !('unusable' in contents)) continue
    findings.push({
      finding: 'unusable-packet',
      message: `header packet ${number}: ${contents.unusable.message}`,
    })
  }
  return [...findings, ...senderFindings(packets)]
}

/**
 * What the nonces of the segments show.
 *
 * @param records - one for each data key, or one for all where the keys are not known
 * @param segmentCount - how many segments should have been compared
 */
export function nonceFindings(records: readonly NonceRecord[], segmentCount: number): Finding[] {
  const findings: Finding[] = []
  const compared = records.reduce((sum, record) => sum + record.compared, 0)
  if (compared < segmentCount) {
    const message = `the nonces of ${compared} of ${segmentCount} segments were compared, the rest is too much for the memory`
    findings.push({ finding: 'not-all-compared', message })
  }
  for (const { reused, firstReused, copied, firstCopied } of records) {
    if (firstReused !== undefined) {
      findings.push({
        finding: 'nonce-reuse',
        message: `${count(reused, 'segment')} under a nonce that was used before, first ${pair(firstReused)}: the XOR of their contents can be read without a key, and segments can be forged`,
      })
    }
    if (firstCopied !== undefined) {
      findings.push({
        finding: 'copied-segments',
        message: `${count(copied, 'segment')} copied from elsewhere in the file, first ${pair(firstCopied)}: nobody writes the same segment twice`,
      })
    }
  }
  return findings
}

/** Segments that are in the file and not for its reader. */
export function hiddenFinding(hidden: readonly SegmentRun[]): Finding[] {
  const total = hidden.reduce((sum, { count: length }) => sum + length, 0)
  if (total === 0) return []
  return [
    {
      finding: 'hidden-segments',
      message: `the edit list skips ${count(total, 'whole segment')} (${runs(hidden)}): they are no part of the file, but who has the data key can read them`,
    },
  ]
}

/** Runs of segments for people: `2 to 5, 9`. */
export function runs(list: readonly SegmentRun[]): string {
  const shown = list
    .slice(0, SHOWN_RUNS)
    .map(({ first, count: length }) => (length === 1 ? `${first}` : `${first} to ${first + length - 1}`))
  return [...shown, ...(list.length > SHOWN_RUNS ? ['…'] : [])].join(', ')
}

/** An edit list can make very many runs. */
const SHOWN_RUNS = 8

/** One reader's packets by several senders: the way to slip segments of one's own into another's file. */
function senderFindings(packets: readonly ExaminedPacket[]): Finding[] {
  const senders = new Map<string, Set<string>>()
  for (const { readerPublicKey, writerPublicKey } of packets) {
    if (readerPublicKey === undefined || writerPublicKey === undefined) continue
    const reader = fingerprint(readerPublicKey)
    senders.set(reader, (senders.get(reader) ?? new Set()).add(fingerprint(writerPublicKey)))
  }
  return [...senders]
    .filter(([, { size }]) => size > 1)
    .map(([reader, { size }]) => ({
      finding: 'several-senders',
      message: `the packets for ${reader} are by ${size} senders: one of them can have added contents to the file of the other`,
    }))
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function pair({ segment, earlier }: { segment: number; earlier: number }): string {
  return `segment ${segment} after ${earlier}`
}
