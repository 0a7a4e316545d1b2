import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { JournalEntry, TransferBegun } from '../../src/transfer/journal/journal-entry.ts'
import { parseLine } from '../../src/transfer/journal/journal-line.ts'
import { openJournal } from '../../src/transfer/journal/open-journal.ts'
import { backends, type Backend } from '../support/backends.ts'
import { createCast, type Cast, type Member } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { sha256 } from '../support/files.ts'

const BUCKET = 'animine-data-import-1'
const ID = '0123456789abcdef'

let backend: Backend
let cast: Cast
let group: Member
let folder: string

beforeAll(async () => {
  backend = await backends()[0]!.start()
  cast = await createCast(backend)
  group = cast.group
  folder = join(group.home, '.local', 'state', 'sealift', 'transfers')
  await group.s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
  await group.json(['key', 'generate', 'animine', '--no-passphrase'])
})
afterAll(async () => {
  await cast.leave()
  await backend.close()
})
beforeEach(async () => {
  await rm(folder, { recursive: true, force: true })
  const { Uploads = [] } = await group.s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))
  for (const { Key, UploadId } of Uploads) {
    await group.s3.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId }))
  }
})

/** A journal as a killed command leaves it. */
async function leaveJournal(
  begun: Partial<TransferBegun>,
  ...entries: Exclude<JournalEntry, TransferBegun>[]
): Promise<void> {
  const transfer: TransferBegun = {
    type: 'transfer',
    version: 1,
    id: ID,
    direction: 'upload',
    endpoint: backend.endpoint,
    bucket: BUCKET,
    objectKey: 'run_12/',
    paths: [join(group.home, 'run_12')],
    command: ['upload', 'run_12', `s3://${BUCKET}/run_12/`],
    folder: group.home,
    startedAt: new Date().toISOString(),
    ...begun,
  }
  const journal = await openJournal(folder, transfer)
  for (const entry of entries) await journal.append(entry)
  await journal.close()
}

async function beginUpload(objectKey: string): Promise<string> {
  const { UploadId } = await group.s3.send(
    new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: objectKey }),
  )
  return UploadId!
}

const uploadEntry = (objectKey: string, uploadId: string) =>
  ({
    type: 'upload',
    objectKey,
    path: '/data/a',
    source: { size: 1, mtimeNs: '1', inode: '1' },
    uploadId,
    segmentsPerPart: 80,
    header: 'AAAA',
  }) as const

async function unfinishedInBucket(): Promise<string[]> {
  const { Uploads = [] } = await group.s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))
  return Uploads.map(({ Key = '' }) => Key)
}

describe('transfer list', () => {
  it('says so when there is nothing', async () => {
    expect(await group.sealift(['transfer', 'list'])).toMatchObject({
      code: 0,
      stdout: 'no unfinished transfers\n',
    })
    expect(await group.json(['transfer', 'list'])).toEqual({ transfers: [] })
    expect(await group.json(['transfer', 'list', `s3://${BUCKET}`])).toEqual({ bucket: BUCKET, uploads: [] })
  })

  it('shows what was begun, how far it came, and that nobody is at it', async () => {
    const part = { type: 'part', objectKey: 'run_12/a', size: 5_242_880, etag: 'e' } as const
    await leaveJournal(
      {},
      uploadEntry('run_12/a', 'u'),
      { ...part, partNumber: 1 },
      { ...part, partNumber: 2 },
    )
    const { stdout } = await group.sealift(['transfer', 'list'])
    expect(stdout).toMatch(
      new RegExp(
        `^${ID}  upload  .*run_12 -> s3://${BUCKET}/run_12/  0 files and 2 parts done, 10 MiB .* stopped`,
      ),
    )
    expect(await group.json(['transfer', 'list'])).toMatchObject({
      transfers: [{ id: ID, direction: 'upload', piecesDone: 2, bytesDone: 10_485_760 }],
    })
  })

  it('shows a damaged journal as what it is', async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, `${ID}.jsonl`), 'nonsense\n', { mode: 0o600 })
    expect((await group.sealift(['transfer', 'list'])).stdout).toMatch(/damaged .*line 1/)
    expectFailure(await group.sealift(['transfer', 'resume', ID]), {
      code: 13,
      error: /damaged/,
      hint: new RegExp(`transfer abort ${ID}`),
    })
    expect((await group.sealift(['transfer', 'abort', ID])).stdout).toContain('removed its damaged journal')
    expect(await readdir(folder)).toEqual([])
  })

  it("shows a bucket's unfinished uploads, and which of them are known here", async () => {
    const known = await beginUpload('run_12/a')
    await beginUpload('run_13/b')
    await leaveJournal({}, uploadEntry('run_12/a', known))
    expect(await group.json(['transfer', 'list', `s3://${BUCKET}`])).toMatchObject({
      uploads: [{ objectKey: 'run_12/a', transfer: ID, running: false }, { objectKey: 'run_13/b' }],
    })
    expect(await group.json(['transfer', 'list', `s3://${BUCKET}/run_13/`])).toMatchObject({
      uploads: [{ objectKey: 'run_13/b' }],
    })
    expect(await group.json(['transfer', 'list', `s3://${BUCKET}`, '--older-than', '1h'])).toMatchObject({
      uploads: [],
    })
  })
})

describe('transfer abort', () => {
  it('removes what the transfer has begun: upload, partial file, journal; and nothing else', async () => {
    const uploadId = await beginUpload('run_12/a')
    await beginUpload('run_13/b')
    await leaveJournal({}, uploadEntry('run_12/a', uploadId))
    const target = join(group.home, 'reads.bam')
    const partial = join(group.home, '.reads.bam.partial')
    const secret = join(group.home, 'animine.sec')
    await writeFile(partial, 'half')
    const download = async (path: string, partialPath: string) =>
      ({
        type: 'download',
        objectKey: path,
        path,
        partial: partialPath,
        partialInode: String((await stat(partialPath, { bigint: true })).ino),
        etag: 'e',
        size: 10,
        rangeSize: 5,
      }) as const
    await leaveJournal(
      { id: 'abcdef0123456789', direction: 'download', objectKey: 'run_12/', paths: [group.home] },
      await download(target, partial),
      // Whoever wrote this wants another file gone.
      await download(join(group.home, 'other.bam'), secret),
    )
    const { code, stdout } = await group.sealift(['transfer', 'abort', '0123', 'abcd'])
    expect(code).toBe(0)
    expect(stdout).toContain(`${ID}: aborted 1 unfinished upload, removed its journal`)
    expect(stdout).toContain('abcdef0123456789: removed 1 partial file, removed its journal')
    expect(await unfinishedInBucket()).toEqual(['run_13/b'])
    expect(existsSync(partial)).toBe(false)
    expect(existsSync(secret)).toBe(true)
    expect(await readdir(folder)).toEqual([])
  })

  it('of an upload at another server asks for that one', async () => {
    await leaveJournal({ endpoint: 'https://s3.example.org' }, uploadEntry('run_12/a', 'u'))
    expectFailure(await group.sealift(['transfer', 'abort', ID]), {
      code: 2,
      error: /is at https:\/\/s3\.example\.org/,
      hint: /--endpoint-url https:\/\/s3\.example\.org/,
    })
    expect(await readdir(folder)).toEqual([`${ID}.jsonl`])
  })

  it('of a bucket goes by age, and leaves what a process here is sending', async () => {
    expectFailure(await group.sealift(['transfer', 'abort', `s3://${BUCKET}`]), {
      code: 2,
      error: /by age/,
      hint: /--older-than/,
    })
    const uploadId = await beginUpload('run_12/a')
    await beginUpload('run_13/b')
    await leaveJournal({}, uploadEntry('run_12/a', uploadId))
    const running = await openJournal(folder, await recorded())
    try {
      const abort = ['transfer', 'abort', `s3://${BUCKET}`, '--older-than']
      expect(await group.json([...abort, '1h'])).toMatchObject({ aborted: [], running: [] })
      expect(await group.json([...abort, '0', '--dry-run'])).toMatchObject({
        dryRun: true,
        aborted: [{ objectKey: 'run_13/b' }],
        running: [{ objectKey: 'run_12/a' }],
      })
      expect(await unfinishedInBucket()).toHaveLength(2)
      expect(await group.json([...abort, '0'])).toMatchObject({ aborted: [{ objectKey: 'run_13/b' }] })
      expect(await unfinishedInBucket()).toEqual(['run_12/a'])
      expectFailure(await group.sealift(['transfer', 'abort', ID]), { code: 14, error: /process \d+ on/ })
    } finally {
      await running.close()
    }
  })

  async function recorded(): Promise<TransferBegun> {
    const [first = ''] = (await readFile(join(folder, `${ID}.jsonl`), 'utf8')).split('\n')
    return parseLine(first) as TransferBegun
  }

  it.each([
    [['transfer', 'abort'], 2, /name transfers/],
    [['transfer', 'abort', ID, '--all'], 2, /name transfers/],
    [['transfer', 'abort', 'ffff'], 10, /no unfinished transfer ffff/],
    [['transfer', 'resume', 'ffff'], 10, /no unfinished transfer ffff/],
    [['transfer', 'abort', ID, '--older-than', '7d'], 2, /bucket/],
  ])('%j is refused', async (words, code, error) => {
    expectFailure(await group.sealift(words), { code, error })
  })
})

describe('transfer resume', () => {
  it('runs the recorded command again, from wherever it is typed', async () => {
    const reads = join(group.home, 'reads.bam')
    await writeFile(reads, randomBytes(40 * 1024 ** 2))
    const words = ['upload', 'reads.bam', `s3://${BUCKET}/reads.bam.c4gh`, '--to', 'animine.pub']
    const killed = group.start([...words, '--part-size', '5MiB', '--bwlimit', '16M', '--json'])
    while (!(await partsWritten())) await sleep(20)
    killed.kill('SIGKILL')
    await killed.ended
    const [name = ''] = await readdir(folder)
    const id = name.slice(0, 16)

    const run = await group.sealift(['transfer', 'resume', id.slice(0, 6)])
    expect(run).toMatchObject({ code: 0 })
    expect(run.stderr).toContain(`transfer ${id}, in ${group.home}: sealift upload reads.bam`)
    expect(run.stdout).toContain('uploaded 1 object')
    expect(await readdir(folder)).toEqual([])
    await group.json(['download', `s3://${BUCKET}/reads.bam.c4gh`, 'back.bam', '-i', 'animine.sec'])
    expect(await sha256(join(group.home, 'back.bam'))).toBe(await sha256(reads))
  })

  async function partsWritten(): Promise<boolean> {
    const [name] = await readdir(folder).then(
      (names) => names.filter((file) => file.endsWith('.jsonl')),
      () => [],
    )
    return name !== undefined && (await readFile(join(folder, name), 'utf8')).includes('"type":"part"')
  }

  it('ends as that command ends', async () => {
    await leaveJournal({}, uploadEntry('run_12/a', 'u'))
    expectFailure(await group.sealift(['transfer', 'resume', ID]), {
      code: 2,
      error: /nobody was named who could open/,
    })
    const failed = await group.sealift(['transfer', 'resume', '--all'])
    expect(failed.stderr).toContain('nobody was named')
    expect(failed.code).not.toBe(0)
  })

  it('runs no other command, whatever the journal says', async () => {
    await leaveJournal({ command: ['bucket', 'close', BUCKET] }, uploadEntry('run_12/a', 'u'))
    expectFailure(await group.sealift(['transfer', 'resume', ID]), {
      code: 1,
      error: /no command is recorded/,
    })
    await leaveJournal({ id: 'abcdef0123456789', command: [] }, uploadEntry('run_12/a', 'u'))
    expectFailure(await group.sealift(['transfer', 'resume', 'abcd']), {
      code: 1,
      error: /no command is recorded/,
    })
  })
})
