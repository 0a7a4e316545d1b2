import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/** Bases of a read, and how many reads are made at once. */
const READ_LENGTH = 150
const BLOCK_READS = 2000

/**
 * Writes random reads in FASTQ form, as a sequencer would name them: header, bases, `+`, qualities.
 *
 * @param size - bytes of FASTQ to write at least, before any compression
 * @param mate - 1 or 2, the end of the fragment that was read
 */
export async function writeFastq(path: string, size: number, mate: 1 | 2): Promise<void> {
  const file = createWriteStream(path)
  const gzip = path.endsWith('.gz') ? createGzip({ level: 1 }) : undefined
  gzip?.pipe(file)
  const out = gzip ?? file
  let written = 0
  for (let block = 0; written < size; block += 1) {
    const bytes = readBlock(block, mate)
    if (!out.write(bytes)) await once(out, 'drain')
    written += bytes.length
  }
  out.end()
  await finished(file)
}

function readBlock(block: number, mate: 1 | 2): Buffer {
  const random = randomBytes(BLOCK_READS * READ_LENGTH)
  const reads: string[] = []
  for (let read = 0; read < BLOCK_READS; read += 1) {
    const bytes = random.subarray(read * READ_LENGTH, (read + 1) * READ_LENGTH)
    const bases = Buffer.from(bytes.map((byte) => BASES[byte & 3] ?? 0)).toString('latin1')
    const qualities = Buffer.from(bytes.map((byte) => QUALITIES[byte >> 6] ?? 0)).toString('latin1')
    const number = block * BLOCK_READS + read
    reads.push(`@DEMO:12:FLOWCELL:1:1101:${number}:1000 ${mate}:N:0:ATCACG\n${bases}\n+\n${qualities}\n`)
  }
  return Buffer.from(reads.join(''), 'latin1')
}

const BASES = Buffer.from('ACGT')
/** The four quality bins of recent sequencers: Q2, Q12, Q23 and Q37 as Phred+33. */
const QUALITIES = Buffer.from('#-8F')
