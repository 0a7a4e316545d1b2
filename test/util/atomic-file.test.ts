import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeFileAtomically } from '../../src/util/atomic-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-atomic-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('a file written atomically', () => {
  it('replaces the old one whole, for its owner alone, and leaves nothing beside it', async () => {
    const path = join(folder, 'new', 'book.json')
    await writeFileAtomically(path, 'one')
    await chmod(path, 0o644)
    await writeFileAtomically(path, new Uint8Array([116, 119, 111]))
    expect(await readFile(path, 'utf8')).toBe('two')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(join(folder, 'new'))).toEqual(['book.json'])
  })

  it('is not there at all when it could not be put in place', async () => {
    const path = join(folder, 'taken')
    await mkdir(path)
    await writeFile(join(path, 'inside'), '')
    await expect(writeFileAtomically(path, 'x')).rejects.toThrow()
    expect(await readdir(folder)).toEqual(['taken'])
  })

  it('is read whole, the one or the other, while others write it', async () => {
    const path = join(folder, 'busy')
    const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(10_000))
    await writeFileAtomically(path, contents[0]!)
    const reads: string[] = []
    await Promise.all(
      contents.map(async (content) => {
        await writeFileAtomically(path, content)
        reads.push(await readFile(path, 'utf8'))
      }),
    )
    for (const read of reads) expect(contents).toContain(read)
    expect(await readdir(folder)).toEqual(['busy'])
  })
})
