import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPartialFile } from '../../src/util/partial-file.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-partial-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('a partial file', () => {
  it('has its name only when it is finished, and is readable by its owner alone', async () => {
    const path = join(folder, 'reads.fastq')
    const partial = await createPartialFile(path, { replace: false })
    await partial.writeAt(Buffer.from('world'), 6)
    await partial.writeAt(Buffer.from('hello '), 0)
    expect(await readdir(folder)).not.toContain('reads.fastq')
    await partial.finish()
    expect(await readdir(folder)).toEqual(['reads.fastq'])
    expect(await readFile(path, 'utf8')).toBe('hello world')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('leaves nothing behind when it is discarded', async () => {
    const partial = await createPartialFile(join(folder, 'reads.fastq'), { replace: false })
    await partial.writeAt(Buffer.from('half'), 0)
    await partial.discard()
    expect(await readdir(folder)).toEqual([])
  })

  it('does not touch a file that exists, unless it may replace it', async () => {
    const path = join(folder, 'reads.fastq')
    await writeFile(path, 'precious')
    await expect(createPartialFile(path, { replace: false })).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(await readFile(path, 'utf8')).toBe('precious')
    const partial = await createPartialFile(path, { replace: true })
    await partial.writeAt(Buffer.from('new'), 0)
    await partial.finish()
    expect(await readFile(path, 'utf8')).toBe('new')
  })

  it('does not replace a file that appeared while it was written', async () => {
    const path = join(folder, 'reads.fastq')
    const partial = await createPartialFile(path, { replace: false })
    await writeFile(path, 'somebody was faster')
    await expect(partial.finish()).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(await readFile(path, 'utf8')).toBe('somebody was faster')
    expect(await readdir(folder)).toEqual(['reads.fastq'])
  })

  it('refuses at once what the file system has no room for', async () => {
    const path = join(folder, 'reads.fastq')
    await expect(
      createPartialFile(path, { replace: false, expectedSize: Number.MAX_SAFE_INTEGER }),
    ).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await readdir(folder)).toEqual([])
  })

  it('says so when there is no such folder', async () => {
    await expect(createPartialFile(join(folder, 'no', 'reads'), { replace: false })).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    })
  })
})
