import { isAbsolute } from 'node:path'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { HEADER_LIMITS } from '../../crypto/crypt4gh/format.ts'
import { decodeBase64 } from '../../util/base64.ts'
import { MAX_OBJECT_SIZE, MAX_PART_COUNT } from '../part-plan.ts'
import type { JournalEntry } from './journal-entry.ts'
import { TRANSFER_ID } from './transfer-id.ts'

/**
 * One entry as one line: JSON, whose last member `check` is the CRC-32 of what stands before it, so that a line that
 * rotted on the disk is seen. Whoever reads one believes nothing: a journal may be damaged, or written by somebody else.
 */

/** Characters of a line: a header of the largest size in base64 is by far the longest thing in one. */
export const MAX_LINE_LENGTH = 32 * 1024 ** 2

/** Characters of base64 that the largest header takes. */
const MAX_HEADER_TEXT = Math.ceil(HEADER_LIMITS.headerLength / 3) * 4

/** Bytes of an object key (S3 user guide, "Naming Amazon S3 objects"). */
const MAX_OBJECT_KEY_BYTES = 1024

/** Characters of a path, an endpoint or a word of the command line; Linux has 4096 bytes and 128 KiB. */
const MAX_PATH_LENGTH = 32 * 1024
const MAX_WORD_LENGTH = 128 * 1024

/** Words of a command line, and paths in it; Linux takes at most some hundred thousand. */
const MAX_WORDS = 1_000_000

/** Characters of an ETag, an upload id or a version id. S3 promises no length; known ones have at most some hundred. */
const MAX_TOKEN_LENGTH = 2048

/** Ranges of one object: 5 TiB of single segments are fewer. */
const MAX_RANGE_INDEX = Math.ceil(MAX_OBJECT_SIZE / 65_536)

const token = z.string().regex(new RegExp(`^[\\x20-\\x7e]{1,${MAX_TOKEN_LENGTH}}$`))
const decimal = z.string().regex(/^-?\d{1,24}$/)
const size = z.int().min(0).max(MAX_OBJECT_SIZE)
const word = z.string().max(MAX_WORD_LENGTH)
const absolutePath = z
  .string()
  .max(MAX_PATH_LENGTH)
  .refine((path) => isAbsolute(path) && !path.includes('\0'))
const prefix = z.string().refine((text) => Buffer.byteLength(text) <= MAX_OBJECT_KEY_BYTES)
const objectKey = prefix.min(1)
const header = z
  .string()
  .min(4)
  .max(MAX_HEADER_TEXT)
  .refine((text) => decodeBase64(text) !== undefined)
const rangeIndex = z.int().min(0).max(MAX_RANGE_INDEX)
const file = z.strictObject({ size, mtimeNs: decimal, inode: decimal })

const md5 = z.string().regex(/^[0-9a-f]{32}$/)
const storedObject = {
  objectKey,
  path: absolutePath,
  source: file,
  size,
  versionId: token.nullable(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  md5: md5.nullable(),
}

const entry: z.ZodType<JournalEntry> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('transfer'),
    version: z.literal(1),
    id: z.string().regex(TRANSFER_ID),
    direction: z.enum(['upload', 'download']),
    endpoint: z.string().min(1).max(MAX_PATH_LENGTH),
    bucket: z.string().min(1).max(512),
    objectKey: prefix,
    paths: z.array(absolutePath).max(MAX_WORDS),
    command: z.array(word).max(MAX_WORDS),
    folder: absolutePath,
    startedAt: z.iso.datetime({ offset: true }),
  }),
  z.strictObject({
    type: z.literal('upload'),
    objectKey,
    path: absolutePath,
    source: file,
    uploadId: token,
    segmentsPerPart: z.int().min(1).max(MAX_RANGE_INDEX),
    header,
  }),
  z.strictObject({ type: z.literal('header'), objectKey, header }),
  z.strictObject({
    type: z.literal('part'),
    objectKey,
    partNumber: z.int().min(1).max(MAX_PART_COUNT),
    size,
    etag: token,
  }),
  z.strictObject({ type: z.literal('object'), ...storedObject, etag: token.nullable() }),
  z.strictObject({ type: z.literal('sending'), ...storedObject, etag: md5 }),
  z.strictObject({ type: z.literal('dropped'), objectKey }),
  z.strictObject({
    type: z.literal('download'),
    objectKey,
    path: absolutePath,
    partial: absolutePath,
    partialInode: decimal,
    etag: token,
    size,
    rangeSize: z.int().min(1).max(MAX_OBJECT_SIZE),
  }),
  z.strictObject({
    type: z.literal('ranges'),
    objectKey,
    runs: z
      .array(z.tuple([rangeIndex, rangeIndex]).refine(([first, last]) => first <= last))
      .max(MAX_RANGE_INDEX),
  }),
  z.strictObject({ type: z.literal('file'), objectKey, path: absolutePath, etag: token, file }),
])

/** The entry as a line, with its line end. Throws what zod throws for an entry that no journal may hold: a bug. */
export function serializeLine(journalEntry: JournalEntry): string {
  const body = JSON.stringify(entry.parse(journalEntry)).slice(0, -1)
  const line = `${body},"check":"${checksum(body)}"}`
  if (line.length > MAX_LINE_LENGTH) throw new RangeError(`a journal line of ${line.length} characters`)
  return `${line}\n`
}

/** The entry that a line without its end stands for; undefined when it is not one that {@link serializeLine} writes. */
export function parseLine(line: string): JournalEntry | undefined {
  if (line.length > MAX_LINE_LENGTH) return undefined
  const match = /,"check":"([0-9a-f]{8})"\}$/.exec(line)
  if (match === null) return undefined
  const body = line.slice(0, match.index)
  if (checksum(body) !== match[1]) return undefined
  try {
    return entry.parse(JSON.parse(`${body}}`))
  } catch {
    return undefined
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
