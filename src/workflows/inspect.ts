import { coveredSegments, type SegmentRun } from '../crypto/crypt4gh/covered-segments.ts'
import { editedSize } from '../crypto/crypt4gh/edit-list.ts'
import { examineHeader, type ExaminedHeader, type ExaminedPacket } from '../crypto/crypt4gh/examine-header.ts'
import { ENCRYPTED_SEGMENT_SIZE, SEGMENT_OVERHEAD } from '../crypto/crypt4gh/format.ts'
import type { Header } from '../crypto/crypt4gh/header.ts'
import { NonceRecord } from '../crypto/crypt4gh/nonce-record.ts'
import { recognize } from '../crypto/crypt4gh/recognize.ts'
import { plaintextBodySize } from '../crypto/crypt4gh/sizes.ts'
import { fingerprint } from '../crypto/keys/fingerprint.ts'
import { fingerprintWords } from '../crypto/keys/fingerprint-words.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { recordNonces } from '../transfer/segment-nonces.ts'
import { openSourceFile } from '../transfer/source-file.ts'
import { AppError } from '../util/errors.ts'
import { headerFindings, hiddenFinding, nonceFindings, type Finding } from './findings.ts'
import {
  fileSource,
  FIRST_READ,
  objectSource,
  readSourceHeader,
  swiftManifestReasons,
  type InspectSource,
} from './inspect-source.ts'
import { inspectedRecipients, type InspectedRecipient } from './inspected-recipients.ts'
import type { Recipient } from './recipients.ts'
import type { S3Location } from './s3-url.ts'

export interface InspectRequest {
  /** Show which packets they open, and as senders whom their packets are for. May be none. */
  identities: readonly KeyPair[]
  /** Public keys that are looked for among senders and readers. */
  recipients: readonly Recipient[]
  /** Compare the nonces of all segments; of files only. */
  nonces: boolean
  signal?: AbortSignal | undefined
}

/** A header packet: part of the --json contract. */
interface InspectedPacket {
  /** Bytes. */
  length: number
  /** Header encryption method; 0 is X25519 with ChaCha20-Poly1305, the only one there is. */
  method: number
  /** Fingerprint of the sender's key; absent where the packet is too short or its method unknown. */
  sender?: string
  /** Fingerprint of the reader's key, where a key given shows it. */
  reader?: string
  /** `data key 0`, `edit list of 4 lengths`, `unusable`; only of packets that opened. */
  contents?: string
}

interface InspectedSender {
  fingerprint: string
  words: string
  /** The recipient or identity given that has this key. */
  name?: string
  /** Packets it wrote. */
  packets: number
}

/** What `inspect` found: the --json contract. */
export interface InspectResult {
  name: string
  /** Bytes. */
  size: number
  /** `headerless` and `swift-manifest` are guesses. */
  content: 'crypt4gh' | 'headerless' | 'swift-manifest' | 'empty' | 'other'
  /** What speaks for it. */
  reasons: string[]
  header?: { length: number; packets: InspectedPacket[]; senders: InspectedSender[] }
  /** Who of the recipients given can open it. */
  recipients?: InspectedRecipient[]
  /** Distinct data keys that opened; absent without an identity. */
  dataKeys?: number
  body?: {
    segments: number
    /** Bytes of plaintext stored; an edit list can show a reader less. */
    storedSize: number
    /** Bytes that our reader gets; absent without an identity that opens the file. */
    plaintextSize?: number
    /** Bytes at the end that are no segment. */
    strayBytes: number
    /** Segments that our reader's edit list skips whole. */
    hidden?: SegmentRun[]
    /** Whether the nonces of the segments were compared. */
    noncesCompared: boolean
  }
  findings: Finding[]
}

/**
 * Looks at a local file; reads its header, and with `nonces` a few bytes of every segment.
 *
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, FILE_CHANGED, INVALID_HEADER
 */
export async function inspectFile(path: string, request: InspectRequest): Promise<InspectResult> {
  const file = await openSourceFile(path)
  try {
    const result = await inspectSource(fileSource(file), request)
    const { header, body } = result
    if (header === undefined || body === undefined || !request.nonces) return result
    const record = new NonceRecord()
    await recordNonces(
      file,
      { start: header.length, end: file.size - body.strayBytes },
      record,
      request.signal,
    )
    return {
      ...result,
      body: { ...body, noncesCompared: true },
      findings: [...result.findings, ...nonceFindings([record], body.segments)],
    }
  } finally {
    await file.close()
  }
}

/**
 * Looks at an object with HeadObject and ranges of its first bytes.
 *
 * @throws AppError INVALID_HEADER; USAGE with `nonces`; StorageError from the store
 */
export async function inspectObject(
  store: ObjectStore,
  location: S3Location,
  request: InspectRequest,
): Promise<InspectResult> {
  if (request.nonces) {
    throw new AppError(
      'USAGE',
      'the nonces of an object are in all of its parts, and only its beginning is fetched',
      {
        hints: ['download it with --no-decrypt, and inspect the file with --nonces'],
      },
    )
  }
  const result = await inspectSource(await objectSource(store, location, request.signal), request)
  if (result.content !== 'empty') return result
  const reasons = await swiftManifestReasons(store, location, request.signal)
  return reasons.length === 0 ? result : { ...result, content: 'swift-manifest', reasons }
}

async function inspectSource(source: InspectSource, request: InspectRequest): Promise<InspectResult> {
  const { name, size } = source
  const prefix = await source.read(0, Math.min(FIRST_READ, size))
  const { content, reasons } = recognize(prefix, size, name)
  if (content === 'headerless') {
    return { name, size, content, reasons, body: bodyOf(size, undefined), findings: [] }
  }
  if (content !== 'crypt4gh') return { name, size, content, reasons, findings: [] }
  const header = await readSourceHeader(source, prefix)
  const examined = await examineHeader(
    header,
    request.identities,
    request.recipients.map(({ publicKey }) => publicKey),
  )
  const body = bodyOf(size - header.length, request.identities.length > 0 ? examined : undefined)
  return {
    name,
    size,
    content,
    reasons,
    header: describeHeader(header, examined, request),
    ...(request.recipients.length > 0 && {
      recipients: inspectedRecipients(examined.packets, request.recipients, request.identities),
    }),
    ...(request.identities.length > 0 && { dataKeys: examined.dataKeyCount }),
    body,
    findings: [
      ...headerFindings(examined),
      ...editListFindings(examined),
      ...hiddenFinding(body.hidden ?? []),
      ...strayFinding(body.strayBytes),
    ],
  }
}

function describeHeader(
  header: Header,
  { packets }: ExaminedHeader,
  { recipients, identities }: InspectRequest,
): NonNullable<InspectResult['header']> {
  const names = new Map(identities.map(({ publicKey }) => [fingerprint(publicKey), 'your identity']))
  for (const recipient of recipients) names.set(recipient.fingerprint, recipient.name)
  const senders = new Map<string, number>()
  for (const { writerPublicKey } of packets) {
    if (writerPublicKey === undefined) continue
    const sender = fingerprint(writerPublicKey)
    senders.set(sender, (senders.get(sender) ?? 0) + 1)
  }
  return {
    length: header.length,
    packets: packets.map(describePacket),
    senders: [...senders].map(([sender, count]) => {
      const name = names.get(sender)
      return {
        fingerprint: sender,
        words: fingerprintWords(sender),
        ...(name !== undefined && { name }),
        packets: count,
      }
    }),
  }
}

function describePacket(packet: ExaminedPacket): InspectedPacket {
  const { length, headerEncryptionMethod: method, writerPublicKey, readerPublicKey, contents } = packet
  return {
    length,
    method,
    ...(writerPublicKey && { sender: fingerprint(writerPublicKey) }),
    ...(readerPublicKey && { reader: fingerprint(readerPublicKey) }),
    ...(contents && { contents: describeContents(contents) }),
  }
}

function describeContents(contents: NonNullable<ExaminedPacket['contents']>): string {
  if ('dataKeyNumber' in contents) return `data key ${contents.dataKeyNumber}`
  if ('unusable' in contents) return 'unusable'
  return `edit list of ${contents.editList.length} length${contents.editList.length === 1 ? '' : 's'}`
}

/** @param examined - undefined when no identity was given: whether there is an edit list isn't known then */
function bodyOf(bodySize: number, examined: ExaminedHeader | undefined): NonNullable<InspectResult['body']> {
  const tail = bodySize % ENCRYPTED_SEGMENT_SIZE
  const strayBytes = tail < SEGMENT_OVERHEAD ? tail : 0
  const segments = Math.ceil((bodySize - strayBytes) / ENCRYPTED_SEGMENT_SIZE)
  const storedSize = plaintextBodySize(bodySize - strayBytes)
  const body = { segments, storedSize, strayBytes, noncesCompared: false }
  const [editList, other] = examined === undefined ? [] : distinctEditLists(examined)
  if (examined === undefined || examined.dataKeyCount === 0 || other !== undefined) return body
  const { hidden } = coveredSegments(segments, editList)
  return { ...body, plaintextSize: editedSize(storedSize, editList), hidden }
}

function distinctEditLists({ packets }: ExaminedHeader): (readonly bigint[])[] {
  const lists = packets.flatMap(({ contents }) =>
    contents !== undefined && 'editList' in contents ? [contents.editList] : [],
  )
  return [...new Map(lists.map((list) => [list.join(), list])).values()]
}

function editListFindings(examined: ExaminedHeader): Finding[] {
  const { length } = distinctEditLists(examined)
  if (length < 2) return []
  const message = `${length} different edit lists open: readers with all these keys refuse the file`
  return [{ finding: 'several-edit-lists', message }]
}

function strayFinding(strayBytes: number): Finding[] {
  if (strayBytes === 0) return []
  const message = `the last ${strayBytes} bytes are no segment: the file was cut short, or something was added to it`
  return [{ finding: 'stray-bytes', message }]
}
