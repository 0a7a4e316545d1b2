/** Alignments as samtools makes them, and what it says about them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import { outputOf } from './programs.ts'
import { findProgram } from './requirements.ts'

/** Two chromosomes and their lengths. */
const CHROMOSOMES = [
  ['chr1', 60_000_000],
  ['chr2', 40_000_000],
] as const

/** Bases of a read. */
const READ_LENGTH = 150

/** Reads that are handed to samtools together. */
const BATCH = 2000

export interface BamOptions {
  /** Number of reads; a read takes about 200 bytes of the file. */
  reads: number
  /** The same seed gives the same reads. */
  seed: number
}

/** Writes a sorted BAM file of made-up reads all over two chromosomes, and its index beside it (`.bai`). */
export async function writeBam(file: string, options: BamOptions): Promise<void> {
  const child = spawn(findProgram('samtools')!, ['view', '--bam', '--fast', '--output', file, '-'], {
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  const [said] = await Promise.all([
    text(child.stderr),
    once(child, 'close'),
    pipeline(Readable.from(samFile(options)), child.stdin),
  ])
  if (child.exitCode !== 0) throw new Error(`samtools view ended with ${child.exitCode}: ${said}`)
  await samtools(['index', file], dirname(file))
}

/** Runs samtools in a folder, where it may leave an index that it fetched; gives what it says. */
export async function samtools(args: readonly string[], folder: string): Promise<string> {
  return (await outputOf([findProgram('samtools')!, ...args], { home: folder })).toString('latin1')
}

/** Regions of 20 000 bases all over the chromosomes. */
export function regionsOf(count: number, seed: number): string[] {
  const random = mulberry32(seed)
  return Array.from({ length: count }, (_, index) => {
    const [name, length] = CHROMOSOMES[index % CHROMOSOMES.length]!
    const start = 1 + Math.floor(random() * (length - 20_000))
    return `${name}:${start}-${start + 19_999}`
  })
}

/** SAM text, in the order of positions. */
function* samFile({ reads, seed }: BamOptions): Generator<string, void, undefined> {
  yield '@HD\tVN:1.6\tSO:coordinate\n'
  for (const [name, length] of CHROMOSOMES) yield `@SQ\tSN:${name}\tLN:${length}\n`
  const random = mulberry32(seed)
  const [bases, qualities] = [alphabet('ACGT', random), alphabet('#$%&+-5:<?ABCDEFGHIJ', random)]
  const total = CHROMOSOMES.reduce((sum, [, length]) => sum + length, 0)
  let number = 0
  for (const [name, length] of CHROMOSOMES) {
    const count = Math.floor((reads * length) / total)
    const step = (length - READ_LENGTH) / count
    let batch = ''
    for (let read = 0; read < count; read += 1, number += 1) {
      const [baseAt, qualityAt] = [slice(bases, random), slice(qualities, random)]
      const position = 1 + Math.floor(read * step)
      const fields = [`read.${number}`, 0, name, position, 60, `${READ_LENGTH}M`, '*', 0, 0]
      batch += `${fields.join('\t')}\t${baseAt}\t${qualityAt}\n`
      if (read % BATCH === BATCH - 1) {
        yield batch
        batch = ''
      }
    }
    yield batch
  }
}

/** More random characters than a compressor looks back. */
function alphabet(characters: string, random: () => number): string {
  return Array.from({ length: 1024 ** 2 }, () => characters[Math.floor(random() * characters.length)]).join(
    '',
  )
}

function slice(pool: string, random: () => number): string {
  const start = Math.floor(random() * (pool.length - READ_LENGTH))
  return pool.slice(start, start + READ_LENGTH)
}

/** A small generator of numbers from 0 up to 1 that a seed fixes (Tommy Ettinger's mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
