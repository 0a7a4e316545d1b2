import { open, rm } from 'node:fs/promises'

import { measure } from './measure.ts'
import type { Scenario } from './scenario.ts'
import type { Site } from './site.ts'

/**
 * sealift alone, with files that have no content on disk (sparse, they read as zeros): the larger ones would not fit
 * into memory, and to encrypt and send zeros is as much work as anything else.
 */
export function growthScenarios(site: Site, size: number): { upload: Scenario; download: Scenario } {
  const { path } = site.workplace
  const address = site.address('growing.c4gh')
  const upload: Scenario = {
    title: `upload to ${site.title}, as files grow`,
    size,
    subjects: [
      {
        name: 'sealift upload, encrypted',
        prepare: () => writeSparseFile(path('sparse'), size),
        command: () => site.sealift('upload', 'sparse', address.url, '--to', 'bench.pub'),
        check: () => site.remove('growing'),
      },
    ],
  }
  const download: Scenario = {
    title: `download from ${site.title}, as files grow`,
    size,
    subjects: [
      {
        name: 'sealift download, decrypted',
        async prepare(run) {
          if (run > 0) return
          await writeSparseFile(path('sparse'), size)
          await measure(site.sealift('upload', 'sparse', address.url, '--to', 'bench.pub'))
        },
        command: () => site.sealift('download', address.url, 'received', '--identity', 'bench.sec'),
        check: () => rm(path('received')),
      },
    ],
  }
  return { upload, download }
}

/**
 * The parts that a file of 1 TiB is sent in (110 MiB), with a smaller file: what a transfer holds in memory follows
 * from the size of its parts, not from their number.
 */
export function tebibyteScenario(site: Site, size: number): Scenario {
  const { path } = site.workplace
  const address = site.address('tebibyte.c4gh')
  return {
    title: `upload to ${site.title}, in the parts of a file of 1 TiB`,
    size,
    subjects: [
      {
        name: 'sealift upload --part-size 110MiB',
        prepare: () => writeSparseFile(path('sparse'), size),
        command: () =>
          site.sealift('upload', 'sparse', address.url, '--to', 'bench.pub', '--part-size', '110MiB'),
        check: () => site.remove('tebibyte'),
      },
    ],
  }
}

async function writeSparseFile(file: string, size: number): Promise<void> {
  await using handle = await open(file, 'w')
  await handle.truncate(size)
}
