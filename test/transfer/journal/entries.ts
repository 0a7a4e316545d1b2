import fc from 'fast-check'
import type { JournalEntry, TransferBegun } from '../../../src/transfer/journal/journal-entry.ts'
import { AppError } from '../../../src/util/errors.ts'

/** A transfer as the first line of a journal has it. */
export const TRANSFER: TransferBegun = {
  type: 'transfer',
  version: 1,
  id: '0123456789abcdef',
  direction: 'upload',
  endpoint: 'https://s3.example.org',
  bucket: 'animine-data-import-1',
  objectKey: 'run_12/',
  paths: ['/home/ada/run_12'],
  command: ['upload', 'run_12', 's3://animine-data-import-1/run_12/', '--to', 'animine.pub'],
  folder: '/home/ada',
  startedAt: '2026-11-21T05:00:00.000Z',
}

const tebibyte = 1024 ** 4
const text = fc.string({ unit: 'binary', maxLength: 40 })
const objectKey = fc.string({ unit: 'binary', minLength: 1, maxLength: 100 })
const path = fc.string({ unit: 'binary', maxLength: 40 }).map((name) => `/data/${name.replaceAll('\0', '')}`)
const size = fc.nat({ max: tebibyte })
const token = fc.stringMatching(/^[\x20-\x7e]{1,60}$/)
const decimal = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)
const file = fc.record({ size, mtimeNs: decimal, inode: decimal }, { noNullPrototype: true })
const header = fc
  .uint8Array({ minLength: 3, maxLength: 300 })
  .map((bytes) => Buffer.from(bytes).toString('base64'))
const hex = (digits: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`))
const runs = fc
  .array(fc.tuple(fc.nat({ max: 1000 }), fc.nat({ max: 1000 })), { maxLength: 20 })
  .map((pairs) => pairs.map(([first, more]): [number, number] => [first, first + more]))

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true })

export const transfers: fc.Arbitrary<TransferBegun> = record<TransferBegun>({
  type: fc.constant('transfer'),
  version: fc.constant(1),
  id: hex(16),
  direction: fc.constantFrom('upload', 'download'),
  endpoint: fc.webUrl(),
  bucket: fc.stringMatching(/^[a-z0-9-]{3,63}$/),
  objectKey: text,
  paths: fc.array(path, { maxLength: 4 }),
  command: fc.array(text, { maxLength: 8 }),
  folder: path,
  startedAt: fc
    .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
})

/** Any line but the first. */
export const laterEntries: fc.Arbitrary<Exclude<JournalEntry, TransferBegun>> = fc.oneof(
  record({
    type: fc.constant('upload' as const),
    objectKey,
    path,
    source: file,
    uploadId: token,
    segmentsPerPart: fc.integer({ min: 1, max: 100_000 }),
    header,
  }),
  record({ type: fc.constant('header' as const), objectKey, header }),
  record({
    type: fc.constant('part' as const),
    objectKey,
    partNumber: fc.integer({ min: 1, max: 10_000 }),
    size,
    etag: token,
  }),
  record({
    type: fc.constant('object' as const),
    objectKey,
    path,
    source: file,
    size,
    etag: fc.option(token),
    versionId: fc.option(token),
    sha256: hex(64),
    md5: fc.option(hex(32)),
  }),
  record({
    type: fc.constant('sending' as const),
    objectKey,
    path,
    source: file,
    size,
    etag: hex(32),
    versionId: fc.option(token),
    sha256: hex(64),
    md5: fc.option(hex(32)),
  }),
  record({ type: fc.constant('dropped' as const), objectKey }),
  record({
    type: fc.constant('download' as const),
    objectKey,
    path,
    partial: path,
    partialInode: decimal,
    etag: token,
    size,
    rangeSize: fc.integer({ min: 1, max: tebibyte }),
  }),
  record({ type: fc.constant('ranges' as const), objectKey, runs }),
  record({ type: fc.constant('file' as const), objectKey, path, etag: token, file }),
)

/** What it fails with, which must be an AppError. */
export async function failure(attempt: Promise<unknown>): Promise<AppError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof AppError) return error
  throw new Error('no expected failure', { cause: error })
}
