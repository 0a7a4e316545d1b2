import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LeftOut } from '../../src/workflows/find-sources.ts'
import { listUploadSources, type UploadSourceOptions } from '../../src/workflows/upload-sources.ts'

const HERE = process.cwd()

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-sources-'))
})
afterEach(async () => {
  process.chdir(HERE)
  await rm(folder, { recursive: true })
})

/** Writes empty files below the folder. */
async function touch(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), '')
  }
}

function nonUtf8(path: string, byte: number): Buffer {
  return Buffer.concat([Buffer.from(join(folder, path)), Buffer.from([byte])])
}

async function objectKeys(options: UploadSourceOptions = {}, target = ''): Promise<string[]> {
  const sources = await listUploadSources([folder], target, options)
  return sources.map(({ objectKey }) => objectKey)
}

function listed(text: string | Uint8Array, nulSeparated = false): UploadSourceOptions {
  return {
    filesFrom: {
      name: 'list.txt',
      nulSeparated,
      // In small pieces, as a pipe may bring it.
      bytes: (async function* () {
        const bytes = Buffer.from(text)
        for (let start = 0; start < bytes.length; start += 3) yield bytes.subarray(start, start + 3)
      })(),
    },
  }
}

async function keysOf(list: UploadSourceOptions, target = 'run/'): Promise<string[]> {
  process.chdir(folder)
  return (await listUploadSources([], target, list)).map(({ objectKey }) => objectKey)
}

describe('file names', () => {
  it('with line breaks, spaces, dashes, dots and stars become object keys as they are', async () => {
    const names = ['two\nlines', ' leading space', '-rf', '...', '*', 'näyte', '\u{1F9EC}', '\ufffd', '"']
    await touch(...names)
    const keys = await objectKeys({}, 'run/')
    expect(keys).toEqual(
      names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map((name) => `run/${name}.c4gh`),
    )
  })

  it('that are not UTF-8 are refused, all at once, with their bytes escaped', async () => {
    await touch('good')
    await writeFile(nonUtf8('caf', 0xe9), '')
    await mkdir(nonUtf8('Reports-', 0xff))
    const finding = listUploadSources([folder], '')
    await expect(finding).rejects.toMatchObject({
      code: 'USAGE',
      hints: [expect.stringMatching(/--exclude/)],
    })
    await expect(finding).rejects.toThrow(/2 names.*\/Reports-\\xff.*\/caf\\xe9/)
    await expect(objectKeys({ exclude: ['caf*', 'Reports*'] })).resolves.toEqual(['good.c4gh'])
  })

  it('that give too long an object key are refused, all at once', async () => {
    const deep = Array.from({ length: 5 }, () => 'x'.repeat(200)).join('/')
    await touch(`${deep}/${'a'.repeat(20)}`, `${deep}/${'b'.repeat(20)}`, 'short')
    await expect(objectKeys()).rejects.toThrow(/2 files would .*\/a{20}, .*\/b{20}/)
    expect(await objectKeys({ exclude: ['aaa*', 'bbb*'] })).toEqual(['short.c4gh'])
  })
})

describe('the files of a folder', () => {
  it('carry what a changed file is recognised by', async () => {
    await writeFile(join(folder, 'reads'), 'ACGT')
    const { ino, mtimeNs } = await stat(join(folder, 'reads'), { bigint: true })
    expect(await listUploadSources([folder], 'run/')).toEqual([
      {
        path: join(folder, 'reads'),
        objectKey: 'run/reads.c4gh',
        size: 4,
        identity: { size: 4, inode: ino.toString(), mtimeNs: mtimeNs.toString() },
      },
    ])
  })

  it('come in the same order every time, many of them as well as few', async () => {
    const names = Array.from({ length: 3000 }, (_, number) => `f${number}`)
    await Promise.all(names.map((name) => writeFile(join(folder, name), '')))
    expect(await objectKeys()).toEqual(names.sort().map((name) => `${name}.c4gh`))
  })

  it('are those that the patterns mean', async () => {
    await touch('reads.bam', 'lane 1/reads.bam', 'lane 1/tmp/x.bam', 'notes.txt', '.git/config')
    expect(await objectKeys({ include: ['*.bam'], exclude: ['tmp'] })).toEqual([
      'lane 1/reads.bam.c4gh',
      'reads.bam.c4gh',
    ])
    await expect(objectKeys({ exclude: ['*'] })).rejects.toThrow(/no file to upload in/)
    await expect(objectKeys({ include: ['[a'] })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('are left alone where a pattern excludes them, even if they could not be read', async () => {
    await touch('reads')
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await symlink('nowhere', join(folder, 'dangling'))
    await expect(objectKeys()).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    await expect(objectKeys({ exclude: ['dangling'] })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    expect(await objectKeys({ exclude: ['dangling', 'pipe'] })).toEqual(['reads.c4gh'])
  })

  it('are empty ones too; an empty folder is told of, because it becomes no object', async () => {
    await touch('empty')
    await mkdir(join(folder, 'nothing', 'in here'), { recursive: true })
    const leftOut: LeftOut[] = []
    expect(await objectKeys({ onLeftOut: (each) => leftOut.push(each) })).toEqual(['empty.c4gh'])
    expect(leftOut).toEqual([
      { path: join(folder, 'nothing/in here'), relativePath: 'nothing/in here', why: 'empty folder' },
    ])
  })
})

describe('symbolic links', () => {
  beforeEach(async () => {
    await touch('run/reads', 'elsewhere/notes')
    await symlink('reads', join(folder, 'run/to file'))
    await symlink('../elsewhere', join(folder, 'run/to folder'))
    await symlink('..', join(folder, 'elsewhere/back'))
    await symlink('.', join(folder, 'run/self'))
  })

  async function found(links: UploadSourceOptions['links']): Promise<{ keys: string[]; leftOut: string[] }> {
    const leftOut: string[] = []
    const sources = await listUploadSources([join(folder, 'run')], '', {
      links,
      onLeftOut: ({ relativePath, why }) => leftOut.push(`${relativePath}: ${why}`),
    })
    return { keys: sources.map(({ objectKey }) => objectKey), leftOut }
  }

  it('to folders are refused unless it is said what to do with them', async () => {
    await expect(found(undefined)).rejects.toThrow(/run\/self: it is a link to a folder/)
    await rm(join(folder, 'run/self'))
    await rm(join(folder, 'run/to folder'))
    expect(await found(undefined)).toEqual({ keys: ['reads.c4gh', 'to file.c4gh'], leftOut: [] })
  })

  it('are followed into folders, and never round in a circle', async () => {
    expect(await found('follow')).toEqual({
      keys: ['reads.c4gh', 'to file.c4gh', 'to folder/notes.c4gh'],
      leftOut: [
        'self: leads back to a folder above it',
        'to folder/back/elsewhere: leads back to a folder above it',
        'to folder/back/run: leads back to a folder above it',
      ],
    })
  })

  it('are left out, and each is told of', async () => {
    expect(await found('skip')).toEqual({
      keys: ['reads.c4gh'],
      leftOut: ['self: link', 'to file: link', 'to folder: link'],
    })
  })

  it('are refused, and still followed when they are named themselves', async () => {
    await expect(found('refuse')).rejects.toThrow(/run\/self: it is a symbolic link/)
    const named = await listUploadSources([join(folder, 'run/to file')], '', { links: 'refuse' })
    expect(named.map(({ objectKey }) => objectKey)).toEqual(['to file.c4gh'])
  })
})

describe('a list of files', () => {
  it('gives each its path as object key, whatever is in the name', async () => {
    await touch('lane 1/reads', '-x', 'a', ' b ')
    expect(await keysOf(listed('lane 1/reads\n\n-x\n./a\n b '))).toEqual([
      'run/lane 1/reads.c4gh',
      'run/-x.c4gh',
      'run/a.c4gh',
      'run/ b .c4gh',
    ])
  })

  it('with NUL bytes can name files with line breaks', async () => {
    await touch('two\nlines', 'b\r')
    expect(await keysOf(listed('two\nlines\0b\r\0', true), '')).toEqual(['two\nlines.c4gh', 'b\r.c4gh'])
  })

  it('can name folders, and the patterns see the path as it is listed', async () => {
    await touch('lane/reads', 'lane/deep/notes', 'other')
    expect(await keysOf(listed('lane//\nother\n'))).toEqual([
      'run/lane/deep/notes.c4gh',
      'run/lane/reads.c4gh',
      'run/other.c4gh',
    ])
    expect(await keysOf({ ...listed('lane\nother\n'), include: ['lane/*'], exclude: ['deep'] })).toEqual([
      'run/lane/reads.c4gh',
    ])
    expect(await keysOf({ ...listed('.'), include: ['other'] })).toEqual(['run/other.c4gh'])
  })

  it('stays below the current folder and in UTF-8; all lines that do not are named', async () => {
    const bytes = Buffer.concat([Buffer.from('/etc/passwd\n../up\na/../b\ngood\ncaf'), Buffer.from([0xe9])])
    await expect(keysOf(listed(bytes))).rejects.toThrow(
      /4 paths.*: \/etc\/passwd, \.\.\/up, a\/\.\.\/b, caf\\xe9/,
    )
  })

  it('must name files that exist, for a target that is a folder, with Unix line ends', async () => {
    await touch('a')
    await expect(keysOf(listed('a\nb\n'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    await expect(keysOf(listed('a\n'), 'one.c4gh')).rejects.toMatchObject({ code: 'USAGE' })
    await expect(keysOf(listed('a\r\n'))).rejects.toThrow(/Windows/)
    await expect(keysOf(listed('\n'))).rejects.toThrow(/no files or folders were named/)
    await expect(keysOf(listed('a\na\n'))).rejects.toThrow(/both become run\/a\.c4gh/)
    await expect(keysOf(listed('x'.repeat(70_000)))).rejects.toThrow(/more than 65536 bytes/)
  })
})
