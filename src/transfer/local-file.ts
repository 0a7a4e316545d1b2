import { HEADER_LIMITS } from '../crypto/crypt4gh/format.ts'
import { parseHeader, type Header } from '../crypto/crypt4gh/header.ts'
import type { OpenedHeader } from '../crypto/crypt4gh/open-header.ts'
import { AppError } from '../util/errors.ts'
import type { PartialFile } from '../util/partial-file.ts'
import { forEachPulled } from '../util/pull-pool.ts'
import { planParts } from './part-plan.ts'
import { planRanges } from './range-plan.ts'
import type { SegmentEngine } from './segment-engine.ts'
import type { SourceFile } from './source-file.ts'

/** Bytes that a thread seals at a time. */
const RANGE_SIZE = 8 * 1024 ** 2

export interface LocalFileOptions {
  engine: SegmentEngine
  /** Tasks in flight: as many as the engine has threads. */
  concurrency: number
  onBytes?: ((count: number) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface SealFileOptions extends LocalFileOptions {
  /** Bytes of the source to seal, which must lie within it; the whole when absent. */
  range?: { offset: number; length: number } | undefined
}

/**
 * Writes the header and the sealed segments of a file into another; each task reads, seals and writes its own range.
 *
 * @returns bytes written
 * @throws AppError FILE_CHANGED; what node:fs throws
 */
export async function sealFile(
  source: SourceFile,
  header: Uint8Array,
  dataKey: Uint8Array,
  into: PartialFile,
  options: SealFileOptions,
): Promise<number> {
  const { offset, length } = options.range ?? { offset: 0, length: source.size }
  const plan = planParts(length, header.length, RANGE_SIZE)
  await into.writeAt(header, 0)
  let outOffset = header.length
  const tasks = Array.from({ length: plan.partCount }, (_, index) => {
    const part = plan.part(index + 1)
    const task = { ...part, plaintextOffset: offset + part.plaintextOffset, outOffset }
    outOffset += part.size - part.headerLength
    return task
  })
  await forEachPulled(
    tasks,
    options.concurrency,
    async ({ plaintextOffset, plaintextLength, outOffset }) => {
      await options.engine.run({
        kind: 'seal-to-file',
        dataKey,
        fd: source.fd,
        plaintextOffset,
        plaintextLength,
        outFd: into.file.fd,
        outOffset,
      })
      options.onBytes?.(plaintextLength)
    },
    options.signal,
  )
  await source.refuseIfChanged()
  return plan.objectSize
}

/**
 * Reads the header at the start of a file.
 *
 * @throws AppError NOT_CRYPT4GH, INVALID_HEADER
 */
export async function readFileHeader(source: SourceFile): Promise<Header> {
  let wanted = Math.min(source.size, 64 * 1024)
  for (;;) {
    const prefix = new Uint8Array(wanted)
    const { bytesRead } = await source.file.read(prefix, 0, wanted, 0)
    const header = parseHeader(prefix.subarray(0, bytesRead))
    if (!('needed' in header)) return header
    if (header.needed > Math.min(source.size, HEADER_LIMITS.headerLength) || header.needed <= bytesRead) {
      throw new AppError(
        source.size < 16 ? 'NOT_CRYPT4GH' : 'INVALID_HEADER',
        'the file ends within its header',
      )
    }
    // By doubling: a header of many packets must not be read once for each of them.
    wanted = Math.min(source.size, Math.max(header.needed, 2 * wanted))
  }
}

/**
 * Opens the segments of a file without an edit list and writes the plaintext into another.
 *
 * @param bodyStart - bytes of the file before the first segment
 * @returns bytes written
 * @throws AppError AUTHENTICATION_FAILED, FILE_CHANGED; what node:fs throws
 */
export async function openFile(
  source: SourceFile,
  bodyStart: number,
  opened: OpenedHeader,
  into: PartialFile,
  options: LocalFileOptions,
): Promise<number> {
  const plan = planRanges(source.size, bodyStart)
  await forEachPulled(
    Array.from({ length: plan.rangeCount }, (_, index) => plan.range(index)),
    options.concurrency,
    async (range) => {
      await options.engine.run({
        kind: 'open-from-file',
        dataKeys: opened.dataKeys,
        fd: source.fd,
        offset: range.objectOffset,
        length: range.length,
        firstSegment: range.firstSegment,
        outFd: into.file.fd,
        outOffset: range.plaintextOffset,
      })
      options.onBytes?.(range.length)
    },
    options.signal,
  )
  await source.refuseIfChanged()
  return plan.plaintextSize
}
