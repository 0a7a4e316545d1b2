import { describe, expect, it } from 'vitest'
import { barFields, jsonLines, type ProgressState } from '../../src/cli/progress.ts'
import { transferRate } from '../../src/cli/transfer-rate.ts'

const MIB = 1024 ** 2

function at(doneBytes: number, doneFiles = 0, current?: string): ProgressState {
  return { totalBytes: 100 * MIB, doneBytes, totalFiles: 2, doneFiles, current }
}

describe('the rate of a transfer', () => {
  it('is that of the last seconds, so that a slow start is forgotten', () => {
    const rate = transferRate(10)
    rate.add(0, 0)
    rate.add(60, 6)
    for (let second = 61; second <= 80; second++) rate.add(second, 6 + (second - 60) * 100)
    expect(rate.perSecond()).toBeCloseTo(100)
    expect(rate.remaining(6 + 4000)).toBeCloseTo(20)
  })

  it('says nothing while nothing is known or nothing moves', () => {
    const rate = transferRate()
    expect([rate.perSecond(), rate.remaining(10)]).toEqual([0, undefined])
    rate.add(0, 5)
    rate.add(3, 5)
    expect([rate.perSecond(), rate.remaining(10)]).toEqual([0, undefined])
  })

  it('never promises less than no time', () => {
    const rate = transferRate()
    rate.add(0, 0)
    rate.add(1, 20)
    expect(rate.remaining(10)).toBe(0)
  })
})

describe('progress for machines', () => {
  it('is a JSON line at the start, once a second, and at the end', () => {
    const written: string[] = []
    let now = 0
    const progress = jsonLines(
      (line) => written.push(line),
      () => now,
    )
    progress.update(at(0))
    for (now = 0.25; now <= 2; now += 0.25) progress.update(at(Math.round(now * 10 * MIB), 0, 'reads.bam'))
    progress.finish()
    progress.stop()
    const parsed = written.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(written.every((line) => line.endsWith('}\n'))).toBe(true)
    expect(parsed).toHaveLength(4)
    expect(parsed[0]).toMatchObject({ doneBytes: 0, totalBytes: 100 * MIB, bytesPerSecond: 0 })
    expect(parsed[1]).toMatchObject({ current: 'reads.bam', secondsLeft: 9 })
    expect(parsed[3]).toMatchObject({ doneBytes: 100 * MIB, doneFiles: 2, totalFiles: 2 })
  })

  it('of a job that is cut short ends with what was done', () => {
    const written: string[] = []
    const progress = jsonLines(
      (line) => written.push(line),
      () => 0,
    )
    progress.update(at(0))
    progress.update(at(7 * MIB))
    progress.stop()
    expect(JSON.parse(written.at(-1) ?? '')).toMatchObject({ doneBytes: 7 * MIB, doneFiles: 0 })
  })
})

describe('the bar', () => {
  it('says bytes, rate, time left, files and the current one', () => {
    const rate = transferRate()
    rate.add(0, 0)
    rate.add(2, 20 * MIB)
    expect(barFields(at(20 * MIB, 1, 'run_12/reads.bam'), rate)).toEqual({
      amount: '20 MiB of 100 MiB',
      rate: '10 MiB/s',
      eta_left: 'ETA 8.0 s',
      files: '1/2 files  ',
      current: 'run_12/reads.bam',
    })
  })

  it('cuts long names at their beginning and shows no control characters', () => {
    const { current } = barFields(at(0, 0, `\u001b[2J${'x'.repeat(50)}/reads.bam`), transferRate())
    expect(current).toMatch(/^….*\/reads\.bam$/)
    expect(current).not.toContain('\u001b')
    expect(current?.length).toBeLessThanOrEqual(30)
  })
})
