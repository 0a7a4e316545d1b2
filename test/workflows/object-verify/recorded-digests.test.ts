import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseDigests, readRecordedDigests } from '../../../src/workflows/object-verify/recorded-digests.ts'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)
const C = 'c'.repeat(64)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-digests-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

async function recorded(text: string, prefix = '') {
  const path = join(folder, 'list')
  await writeFile(path, text)
  return readRecordedDigests(path, prefix)
}

describe('lines of sha256sum', () => {
  it('are found by path below the prefix, and by a bare name', async () => {
    const list = await recorded(
      `${A}  run_12/reads.bam\n${B} *./lane_1/index.bai\n${C.toUpperCase()}  notes.txt\r\n`,
    )
    expect(list.of('run_12/reads.bam.c4gh')).toBe(A)
    expect(list.of('lane_1/index.bai')).toBe(B)
    expect(list.of('deep/down/notes.txt.c4gh')).toBe(C)
    expect(list.of('run_13/reads.bam.c4gh')).toBeUndefined()
    expect(list.unused()).toEqual([])
  })

  it('count from the prefix as well', async () => {
    const list = await recorded(`${A}  lane_1/reads.bam\n${B}  /data/run_12/notes.txt\n`, 'run_12/')
    expect(list.of('run_12/lane_1/reads.bam.c4gh')).toBe(A)
    expect(list.of('run_12/notes.txt.c4gh')).toBe(B)
    expect(list.of('run_12/lane_2/reads.bam.c4gh')).toBeUndefined()
  })

  it('of one name for several files tell nothing about a bare name', async () => {
    const list = await recorded(`${A}  a/reads.bam\n${B}  b/reads.bam\n`)
    expect(list.of('reads.bam.c4gh')).toBeUndefined()
    expect(list.of('a/reads.bam.c4gh')).toBe(A)
    expect(list.unused()).toEqual(['b/reads.bam'])
  })

  it('that contradict each other, or are none, are refused', async () => {
    await expect(recorded(`${A}  reads.bam\n${B}  reads.bam\n`)).rejects.toMatchObject({ code: 'USAGE' })
    await expect(recorded(`${A}  reads.bam\nreads.bam: ${B}\n`)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/^line 2 of /) as string,
    })
    await expect(recorded('')).rejects.toMatchObject({ code: 'USAGE' })
    await expect(readRecordedDigests(join(folder, 'none'), '')).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    })
  })

  it('with odd names come back as coreutils wrote them', () => {
    const name = fc
      .string({ unit: fc.constantFrom('a', ' ', '\\', '\n', '\r', '*', 'ä'), minLength: 1, maxLength: 12 })
      .filter((one) => !/\s$/.test(one))
    fc.assert(
      fc.property(name, (odd) => {
        const escaped = odd.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
        const line = escaped === odd ? `${A}  ${odd}` : `\\${A}  ${escaped}`
        expect(parseDigests(`${line}\n`, 'list')).toEqual([{ sha256: A, objectKey: undefined, path: odd }])
      }),
    )
  })
})

describe('what an upload wrote down', () => {
  it('as a result', async () => {
    const objects = [
      { source: '/data/reads.bam', objectKey: 'run_12/reads.bam.c4gh', sha256: A },
      { source: '/data/other.bam', objectKey: 'run_12/other.bam.c4gh', sha256: B },
    ]
    const list = await recorded(JSON.stringify({ bucket: 'b', objects }, undefined, 2), 'run_12/')
    expect(list.of('run_12/reads.bam.c4gh')).toBe(A)
    expect(list.of('run_13/reads.bam.c4gh')).toBeUndefined()
    expect(list.unused()).toEqual(['run_12/other.bam.c4gh'])
  })

  it('as a log, of which the last word counts and a torn last line does not', async () => {
    const line = (event: object) => `${JSON.stringify({ time: '2026-01-01T00:00:00Z', ...event })}\n`
    const list = await recorded(
      line({ event: 'started', direction: 'upload' }) +
        line({ event: 'object', objectKey: 'x.c4gh', path: 'x', sha256: A }) +
        line({ event: 'object', objectKey: 'x.c4gh', path: 'x', sha256: B }) +
        '{"event":"obj',
    )
    expect(list.of('x.c4gh')).toBe(B)
    await expect(recorded('{"event":"object"\n{}\n')).rejects.toMatchObject({ code: 'USAGE' })
  })
})
