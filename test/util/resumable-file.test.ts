import {
  link,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createResumableFile,
  inodeOf,
  partialName,
  reopenResumableFile,
} from '../../src/util/resumable-file.ts'

const MIB = 1024 ** 2

let folder: string
let path: string
let hidden: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-resumable-'))
  path = join(folder, 'reads.bam')
  hidden = join(folder, '.reads.bam.partial')
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('a partial file to go on with', () => {
  it('is kept beside the final name, opened again by the next run, and becomes the file', async () => {
    const first = await createResumableFile(path, { replace: false })
    await first.writeAt(Buffer.from('hello '), 0)
    await first.keep()
    expect(await readdir(folder)).toEqual(['.reads.bam.partial'])
    expect((await stat(hidden)).mode & 0o777).toBe(0o600)
    const inode = (await inodeOf(hidden)) ?? ''
    const second = await reopenResumableFile(path, { inode, atLeast: 6 }, { replace: false })
    await second?.writeAt(Buffer.from('world'), 6)
    await second?.finish()
    expect(await readdir(folder)).toEqual(['reads.bam'])
    expect(await readFile(path, 'utf8')).toBe('hello world')
  })

  it('is not opened when it is another file, shorter, a link, or known by a second name', async () => {
    await writeFile(hidden, 'hello')
    const inode = (await inodeOf(hidden)) ?? ''
    const reopen = (recorded: { inode: string; atLeast: number }) =>
      reopenResumableFile(path, recorded, { replace: false })
    expect(await reopen({ inode: `${inode}1`, atLeast: 0 })).toBeUndefined()
    expect(await reopen({ inode, atLeast: 6 })).toBeUndefined()
    await link(hidden, join(folder, 'second'))
    expect(await reopen({ inode, atLeast: 5 })).toBeUndefined()
    await rm(hidden)
    expect(await reopen({ inode, atLeast: 0 })).toBeUndefined()
    await symlink(join(folder, 'second'), hidden)
    expect(await reopen({ inode, atLeast: 0 })).toBeUndefined()
  })

  it('outlives a final name that was taken meanwhile', async () => {
    const partial = await createResumableFile(path, { replace: false })
    await partial.writeAt(Buffer.from('terabytes'), 0)
    await writeFile(path, 'somebody was faster')
    await expect(partial.finish()).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(await readFile(path, 'utf8')).toBe('somebody was faster')
    expect(await readFile(hidden, 'utf8')).toBe('terabytes')
  })

  it('never gives the final name to a file that somebody else put in its place', async () => {
    const partial = await createResumableFile(path, { replace: false })
    await partial.writeAt(Buffer.from('mine'), 0)
    await rm(hidden)
    await writeFile(hidden, 'theirs')
    await expect(partial.finish()).rejects.toMatchObject({ code: 'FILE_CHANGED' })
    expect(await readdir(folder)).toEqual(['.reads.bam.partial'])
  })

  it('has a name that every file system takes', async () => {
    const long = join(folder, 'ä'.repeat(127))
    const partial = await createResumableFile(long, { replace: false })
    expect(Buffer.byteLength(partialName(long).slice(folder.length + 1))).toBeLessThanOrEqual(255)
    await partial.finish()
    expect(await readdir(folder)).toEqual(['ä'.repeat(127)])
  })
})

describe('what another run left under the name', () => {
  async function leave(size: number): Promise<string> {
    const file = await open(hidden, 'w')
    await file.close()
    await truncate(hidden, size)
    return (await inodeOf(hidden)) ?? ''
  }

  it('is replaced when it is small, our own, given up, or may be replaced', async () => {
    await leave(MIB)
    await (await createResumableFile(path, { replace: false })).discard()
    const ownInode = await leave(17 * MIB)
    await (await createResumableFile(path, { replace: false, ownInode })).discard()
    await leave(17 * MIB)
    await utimes(hidden, new Date(), new Date(Date.now() - 2 * 60 * 60 * 1000))
    await (await createResumableFile(path, { replace: false })).discard()
    await leave(17 * MIB)
    await (await createResumableFile(path, { replace: true })).discard()
    expect(await readdir(folder)).toEqual([])
  })

  it('is not touched when somebody may be writing it right now', async () => {
    const inode = await leave(17 * MIB)
    const refused = createResumableFile(path, { replace: false })
    await expect(refused).rejects.toMatchObject({
      code: 'FILE_EXISTS',
      message: expect.stringContaining('.reads.bam.partial is there already') as string,
      hints: ['when no other run is, remove it, or give --force'],
    })
    expect(await inodeOf(hidden)).toBe(inode)
  })

  it('is not followed when it is a link', async () => {
    const precious = join(folder, 'precious')
    await writeFile(precious, 'precious')
    await symlink(precious, hidden)
    await expect(createResumableFile(path, { replace: true })).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(await readFile(precious, 'utf8')).toBe('precious')
  })
})
