import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ServeResult } from '../../src/workflows/serve/serve-objects.ts'
import { openImportBucket, PASSPHRASE } from '../support/cast.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'
import { outputOf } from '../support/programs.ts'
import { missing } from '../support/requirements.ts'
import { samtools, writeBam } from '../support/samtools.ts'
import { startServing } from '../support/serving.ts'

const BUCKET = 'animine-data-import-1'
const RUN = `s3://${BUCKET}/run_12/`
const skipped = missing('samtools')

onEveryBackend('alignments that are read where they are', (stage) => {
  describe.skipIf(skipped !== undefined)('by samtools', () => {
    const inHome = (...names: string[]) => join(stage().group.home, ...names)
    const serve = () => startServing(stage().group, [RUN, '--identity', 'animine.sec', '--json'], PASSPHRASE)

    it('are delivered with their index', async () => {
      const { group, producer } = stage()
      await openImportBucket(group, producer, BUCKET)
      await mkdir(inHome('elsewhere'))
      await writeBam(inHome('reads.bam'), { reads: 250_000, seed: 12 })
      const run = ['upload', 'reads.bam', 'reads.bam.bai', RUN, '--to', 'animine.pub']
      expect(await group.sealift(run)).toMatchObject({ code: 0 })
    })

    it('give the records of a region, and only some of the file is fetched', async () => {
      const region = 'chr1:30000000-30020000'
      const expected = await samtools(['view', inHome('reads.bam'), region], inHome())
      expect(expected.split('\n').length).toBeGreaterThan(40)
      const { address, end } = await serve()
      const found = await samtools(['view', `${address}reads.bam`, region], inHome('elsewhere'))
      expect(found).toBe(expected)
      const result = JSON.parse((await end()).stdout) as ServeResult
      const { size } = await stat(inHome('reads.bam'))
      expect(size).toBeGreaterThan(30 * 1024 ** 2)
      expect(result.fetchedBytes).toBeLessThan(size / 2)
      expect(result.cutShort).toBe(0)
    })

    it('give all records in order, and those of regions everywhere', async () => {
      const { address, end } = await serve()
      const count = ['view', '--count']
      const all = await samtools([...count, `${address}reads.bam`], inHome('elsewhere'))
      expect(all).toBe(await samtools([...count, inHome('reads.bam')], inHome()))
      const regions = [
        'chr1:1-50000',
        'chr2:20000000-20050000',
        'chr2:39990000-40000000',
        'chr1:59990000-60000000',
      ]
      const expected = await samtools(['view', inHome('reads.bam'), ...regions], inHome())
      expect(await samtools(['view', `${address}reads.bam`, ...regions], inHome('elsewhere'))).toBe(expected)
      expect((await end()).code).toBe(0)
    })

    it('leave no plaintext of the alignments on the disk', async () => {
      // What samtools keeps is the index (docs/serve.md).
      expect(await readdir(inHome('elsewhere'))).toEqual(['reads.bam.bai'])
    })

    it('are the plain file for curl, by any range', async () => {
      const { address, end } = await serve()
      const plain = await readFile(inHome('reads.bam'))
      for (const [first, last] of [
        [0, 0],
        [65_535, 65_536],
        [1_000_000, 3_000_000],
        [plain.length - 28, plain.length - 1],
      ] as const) {
        const curl = ['curl', '--silent', '--fail', '--range', `${first}-${last}`, `${address}reads.bam`]
        const piece = await outputOf(curl, { home: inHome() })
        expect(piece.equals(plain.subarray(first, last + 1))).toBe(true)
      }
      const whole = await outputOf(['curl', '--silent', '--fail', `${address}reads.bam`], { home: inHome() })
      expect(whole.equals(plain)).toBe(true)
      expect((await end()).code).toBe(0)
    })
  })
})
