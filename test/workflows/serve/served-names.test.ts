import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { candidatesOf, pathOf, servedPlace } from '../../../src/workflows/serve/served-names.ts'

const at = (objectKey: string) => servedPlace({ bucket: 'animine-data-import-1', objectKey })
const keys = (objectKey: string, path: string): string[] =>
  candidatesOf(at(objectKey), path).map((candidate) => candidate.objectKey)

describe('a prefix', () => {
  it('serves what is below it, the sealed object before one of the same name', () => {
    expect(candidatesOf(at('run_12/'), 'reads.bam')).toEqual([
      { objectKey: 'run_12/reads.bam.c4gh', sealed: true },
      { objectKey: 'run_12/reads.bam', sealed: false },
    ])
    expect(keys('', 'a/b')).toEqual(['a/b.c4gh', 'a/b'])
  })

  it('is never left: names mean themselves', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('.', '/', 'a', '%', '\\') }), (path) => {
        for (const objectKey of keys('run_12/', path)) {
          expect(objectKey === `run_12/${path}` || objectKey === `run_12/${path}.c4gh`).toBe(true)
        }
      }),
    )
    expect(keys('run_12/', '../keys/x')).toEqual(['run_12/../keys/x.c4gh', 'run_12/../keys/x'])
    expect(keys('', 'a'.repeat(1022))).toHaveLength(1)
    expect(keys('', 'a'.repeat(1025))).toHaveLength(0)
  })
})

describe('a single object', () => {
  it('is served under its name, with its index files and nothing else', () => {
    const key = 'run_12/reads.bam.c4gh'
    expect(candidatesOf(at(key), 'reads.bam')).toEqual([{ objectKey: key, sealed: false }])
    expect(keys(key, 'reads.bam.bai')).toEqual(['run_12/reads.bam.bai.c4gh', 'run_12/reads.bam.bai'])
    expect(keys(key, 'reads.bai')).toEqual(['run_12/reads.bai.c4gh', 'run_12/reads.bai'])
    for (const path of ['other.bam', 'reads.bam.c4gh', 'reads.bam.sha256', '', 'x/reads.bam', 'reads.ba']) {
      expect(keys(key, path)).toEqual([])
    }
  })

  it('is itself even where its name is that of an index', () => {
    expect(keys('ref.fa.fai', 'ref.fa.fai')).toEqual(['ref.fa.fai'])
    expect(keys('.c4gh', '.c4gh')).toEqual(['.c4gh'])
  })
})

it('a path is the name without the ending of sealed objects', () => {
  expect(['reads.bam.c4gh', 'reads.bam', '.c4gh', 'x.c4gh.c4gh'].map(pathOf)).toEqual([
    'reads.bam',
    'reads.bam',
    '.c4gh',
    'x.c4gh',
  ])
})
