import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'

/** SHA-256 of a file, hex. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** SHA-256 of every file below a folder, by its path there. */
export async function sha256Tree(folder: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for (const file of await filesBelow(folder)) hashes[file] = await sha256(join(folder, file))
  return hashes
}

/** The paths of all files below a folder, sorted, separated by `/`. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}

/** Writes a file, with the folders above it. */
export async function writeTree(folder: string, files: Record<string, Uint8Array>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
}

/**
 * A small sequencing run: reads in plain text, more than one part of an upload, the same gzipped,
 * a file in a folder of its own with a name that needs escaping, and an empty one.
 */
export function sequencingRun(): Record<string, Uint8Array> {
  const reads = fastq(20_000_000)
  return {
    'sample_R1.fastq': reads,
    'sample_R2.fastq.gz': gzipSync(reads.subarray(0, 1_000_000)),
    'Reports/näyte 1+2.txt': Buffer.from('lane 1: 2 samples\n'),
    'Reports/RTAComplete.txt': new Uint8Array(0),
  }
}

/** About `size` bytes of FASTQ: random reads of 150 bases. */
function fastq(size: number): Buffer {
  const records: string[] = []
  for (let length = 0, index = 1; length < size; index += 1) {
    const bases = Array.from(randomBytes(150), (byte) => 'ACGT'[byte & 3]).join('')
    const record = `@SEALIFT:12:FLOWCELL:1:1101:${index}:1000 1:N:0:ACGT\n${bases}\n+\n${'F'.repeat(150)}\n`
    records.push(record)
    length += record.length
  }
  return Buffer.from(records.join(''))
}
