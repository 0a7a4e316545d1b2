/**
 * `node bench/serve.ts`: regions of an alignment read by samtools through `sealift serve`, each from a cold start, beside
 * the plain file: are the records the same, how much was fetched, how long did it take?
 *   --size SIZE     of the BAM file, about, 1GiB by default
 *   --server NAME   rgw (the default) or sandbox
 *   --regions N     10 by default
 *   --seed N        of the reads and regions, 1 by default
 * Prints a table. Needs samtools and a build.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, stat } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { formatByteSize, parseByteSize } from '../src/util/byte-size.ts'
import type { ServeResult } from '../src/workflows/serve/serve-objects.ts'
import { regionsOf, samtools, writeBam } from '../test/support/samtools.ts'
import { measure } from './measure.ts'
import { openRgwSite, openSandboxSite } from './site.ts'
import type { Site } from './site.ts'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1GiB' },
    server: { type: 'string', default: 'rgw' },
    regions: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
  },
})
const size = parseByteSize(values.size)
const seed = Number(values.seed)

/** Reads that tell how many bytes one takes. */
const TRIAL = 20_000

const site = values.server === 'rgw' ? await openRgwSite(3 * size, 2 * size) : await openSandboxSite(4 * size)
try {
  await run(site)
} finally {
  await site.close()
}

async function run({ workplace, sealift, address, title }: Site): Promise<void> {
  const bam = workplace.path('reads.bam')
  await writeBam(bam, { reads: TRIAL, seed })
  const reads = Math.ceil((size / (await stat(bam)).size) * TRIAL)
  console.error(`writing ${reads} reads`)
  await writeBam(bam, { reads, seed })
  const { size: stored } = await stat(bam)
  await measure(sealift('upload', 'reads.bam', 'reads.bam.bai', address('run/').url, '--to', 'bench.pub'))
  console.log(`BAM of ${formatByteSize(stored)}, ${reads} reads, on ${title}`)
  console.log('\n| region | records | fetched | of the file | requests | wall s | plain file, s |')
  console.log('|---|--:|--:|--:|--:|--:|--:|')
  for (const region of regionsOf(Number(values.regions), seed)) {
    const [expected, plain] = await timed(() => samtools(['view', bam, region], workplace.folder))
    const { output, wall, result } = await throughServe(['view'], [region])
    if (output !== expected) throw new Error(`${region}: other records than from the plain file`)
    const records = expected.split('\n').length - 1
    console.log(
      `| ${[region, records, ...cells(result, stored), wall.toFixed(2), plain.toFixed(2)].join(' | ')} |`,
    )
  }
  const [expected, plain] = await timed(() => samtools(['view', '--count', bam], workplace.folder))
  const { output, wall, result } = await throughServe(['view', '--count'], [])
  if (output !== expected) throw new Error('not all records came')
  console.log(
    `| all | ${expected.trim()} | ${[...cells(result, stored), wall.toFixed(2), plain.toFixed(2)].join(' | ')} |`,
  )
  console.log(
    `\nload average at the end: ${loadavg()
      .map((load) => load.toFixed(2))
      .join(' ')}`,
  )

  /** A server of its own, with nothing in memory; the folder has no index from the time before. */
  async function throughServe(words: string[], regions: string[]) {
    const folder = workplace.path('elsewhere')
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder)
    const file = workplace.path('url')
    const command = sealift(
      'serve',
      address('run/').url,
      '--identity',
      'bench.sec',
      '--quiet',
      '--json',
      '--url-file',
      file,
    )
    const child = spawn(command.program, command.args, {
      cwd: command.cwd,
      env: { PATH: process.env['PATH'], ...command.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const said = text(child.stdout)
    const ended = once(child, 'close')
    const served = `${await untilWritten(file)}reads.bam`
    const [output, wall] = await timed(() => samtools([...words, served, ...regions], folder))
    child.kill('SIGINT')
    await ended
    return { output, wall, result: JSON.parse(await said) as ServeResult }
  }
}

function cells({ fetchedBytes, fetches }: ServeResult, stored: number): string[] {
  return [formatByteSize(fetchedBytes), `${((100 * fetchedBytes) / stored).toFixed(2)} %`, String(fetches)]
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const started = performance.now()
  const done = await work()
  return [done, (performance.now() - started) / 1000]
}

async function untilWritten(file: string): Promise<string> {
  for (let waited = 0; waited < 30_000; waited += 10) {
    const content = await readFile(file, 'utf8').catch(() => '')
    if (content !== '') return content.trimEnd()
    await sleep(10)
  }
  throw new Error('sealift serve told no address')
}
