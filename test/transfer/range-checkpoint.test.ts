import { describe, expect, it } from 'vitest'
import { RangeCheckpoint, type Runs } from '../../src/transfer/range-checkpoint.ts'

/** A disk whose writes end when the test says so. */
function slowDisk() {
  const recorded: Runs[] = []
  const endings: (() => void)[] = []
  const record = (runs: Runs): Promise<void> => {
    recorded.push(runs)
    return new Promise((resolve) => endings.push(resolve))
  }
  return { recorded, record, endNext: () => endings.shift()?.() }
}

describe('ranges that are written down in the background', () => {
  it('come together while the disk is busy, as runs, one write after the other', async () => {
    const disk = slowDisk()
    const checkpoint = new RangeCheckpoint(disk.record)
    checkpoint.add(0)
    for (const index of [5, 2, 3, 9, 4]) checkpoint.add(index)
    expect(disk.recorded).toEqual([[[0, 0]]])
    disk.endNext()
    const settled = checkpoint.settle()
    await new Promise(setImmediate)
    expect(disk.recorded.slice(1)).toEqual([
      [
        [2, 5],
        [9, 9],
      ],
    ])
    disk.endNext()
    await settled
    expect(disk.recorded).toHaveLength(2)
  })

  it('are not written down when the whole is done, unless that does not come true', async () => {
    const disk = slowDisk()
    const checkpoint = new RangeCheckpoint(disk.record)
    checkpoint.add(0)
    checkpoint.add(1)
    const paused = checkpoint.pause()
    disk.endNext()
    await paused
    expect(disk.recorded).toEqual([[[0, 0]]])
    const settled = checkpoint.settle()
    disk.endNext()
    await settled
    expect(disk.recorded.slice(1)).toEqual([[[1, 1]]])
  })

  it('stop the download when they can not be written down', async () => {
    const checkpoint = new RangeCheckpoint(() => Promise.reject(new TypeError('no space')))
    checkpoint.add(0)
    await expect(checkpoint.settle()).rejects.toThrow('no space')
    expect(() => {
      checkpoint.add(1)
    }).toThrow('no space')
  })
})
