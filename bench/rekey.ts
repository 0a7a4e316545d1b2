import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { encryptedBodySize, sealedHeaderSize } from '../src/crypto/crypt4gh/sizes.ts'
import { planOf } from '../src/workflows/copies/copy-plan.ts'
import { splicePlan } from '../src/workflows/rekey/splice-plan.ts'
import { sha256, sha256Tree } from '../test/support/files.ts'
import type { CopyPartsJob } from './copy-parts.ts'
import { startCountingProxy } from './counting-proxy.ts'
import { expectSame } from './local-scenarios.ts'
import { writeFolder, type FolderJob } from './many-files.ts'
import { measure, type Command } from './measure.ts'
import { PLAIN_PEERS, RCLONE_UPLOAD, type Address } from './plain-peers.ts'
import type { Scenario, Subject } from './scenario.ts'
import type { Site } from './site.ts'
import { hasPeer, writeRandomFile } from './workplace.ts'

/** What the titles of these scenarios begin with. */
export const REKEY_TITLE = 'rekey'

/** Who gets the object in place of the bench's own key. */
const READERS = ['alice', 'bob', 'carol'] as const
const ADDED = READERS.flatMap((name) => ['--add', `${name}.pub`])
const CHANGE = ['--identity', 'bench.sec', ...ADDED, '--remove', 'bench.pub']
const FOR_ALL = READERS.flatMap((name) => ['--to', `${name}.pub`])
/** As `--recipient_pk` of the reference. */
const FOR_ALL_PYTHON = READERS.flatMap((name) => ['--recipient_pk', `${name}.pub`])

/** Three readers instead of one for an object that is there, beside the server's own copying and beside moving all of it. */
export async function rekeyScenario(site: Site, size: number): Promise<Scenario> {
  const { path } = site.workplace
  await writeRandomFile(path('plain'), size)
  await createReaders(site)
  const expected = await sha256(path('plain'))
  const [original, rekeyed, copied] = [
    site.address('original.c4gh'),
    site.address('rekeyed.c4gh'),
    site.address('copied.c4gh'),
  ]
  const seal = async ({ url }: Address): Promise<void> => {
    await measure(site.sealift('upload', 'plain', url, '--to', 'bench.pub'))
  }
  await seal(original)
  const line = await startCountingProxy(original.endpoint)
  const subjects: Subject[] = [
    {
      name: 'sealift rekey',
      prepare: () => seal(rekeyed),
      command: () => site.sealift('rekey', rekeyed.url, ...CHANGE, '--endpoint-url', line.endpoint),
      traffic: line.take,
      async check(run) {
        if (run === 0) await expectReaders(site, rekeyed, expected)
        await site.remove('rekeyed')
      },
    },
    {
      name: "the server's own UploadPartCopy of the same ranges",
      command: () => copyParts(site, { from: original, to: copied, endpoint: line.endpoint }, size),
      traffic: line.take,
      check: () => site.remove('copied'),
    },
    ...movingAll(site, original),
  ]
  return { title: `${REKEY_TITLE} on ${site.title}`, size, subjects }
}

/** The ways without the server's help: all of it comes here and goes back. */
function movingAll(site: Site, original: Address): Subject[] {
  const { path } = site.workplace
  const moved = site.address('moved.c4gh')
  const check = async (): Promise<void> => {
    await rm(path('sealed'), { force: true })
    await rm(path('sealed.new'), { force: true })
    await site.remove('moved')
  }
  const subjects: Subject[] = []
  // The fastest of those that are here.
  const peer = PLAIN_PEERS.findLast(({ program }) => hasPeer(program))
  if (peer !== undefined) {
    subjects.push({
      name: `sealift download, sealift reencrypt, ${peer.title}`,
      command: () =>
        inTurn(
          site.sealift('download', original.url, 'sealed', '--no-decrypt'),
          site.sealift(
            'reencrypt',
            'sealed',
            '--identity',
            'bench.sec',
            ...FOR_ALL,
            '--output',
            'sealed.new',
          ),
          site.peer(peer.program, peer.upload('sealed.new', moved)),
        ),
      check,
    })
  }
  if (hasPeer('crypt4gh') && hasPeer('rclone')) {
    subjects.push({
      name: 'rclone cat | crypt4gh reencrypt | rclone rcat',
      command: () => [
        site.peer('rclone', ['cat', `bench:${original.path}`]),
        site.peer('crypt4gh', ['reencrypt', '--sk', 'bench.sec', ...FOR_ALL_PYTHON]),
        site.peer('rclone', ['rcat', ...RCLONE_UPLOAD, `bench:${moved.path}`]),
      ],
      check,
    })
  }
  return subjects
}

/** Many objects of one request each. */
export async function rekeyFolderScenario(site: Site, job: FolderJob): Promise<Scenario> {
  const { path } = site.workplace
  await writeFolder(path('plain'), job)
  await createReaders(site)
  const expected = await sha256Tree(path('plain'))
  const objects = site.address('run/')
  const prepare = async (): Promise<void> => {
    await site.remove('run/')
    await measure(site.sealift('upload', 'plain', objects.url, '--to', 'bench.pub'))
  }
  const check = async (): Promise<void> => {
    for (const name of READERS) {
      await measure(site.sealift('download', objects.url, 'received/', '--identity', `${name}.sec`))
      const found = await sha256Tree(path('received'))
      const wrong = Object.keys({ ...expected, ...found }).find((file) => expected[file] !== found[file])
      if (wrong !== undefined) throw new Error(`${wrong} is not the original for ${name}`)
      await rm(path('received'), { recursive: true })
    }
  }
  const once = (run: number): Promise<void> => (run === 0 ? check() : Promise.resolve())
  const subjects: Subject[] = [
    {
      name: 'sealift rekey',
      prepare,
      command: () => site.sealift('rekey', objects.url, ...CHANGE),
      check: once,
    },
    {
      name: 'sealift download, sealift upload',
      prepare,
      command: () =>
        inTurn(
          site.sealift('download', objects.url, 'moved/', '--identity', 'bench.sec'),
          site.sealift('upload', 'moved/', objects.url, ...FOR_ALL, '--force'),
        ),
      async check(run) {
        await once(run)
        await rm(path('moved'), { recursive: true })
      },
    },
  ]
  return { title: `${REKEY_TITLE} on ${site.title}`, size: job.files * job.size, files: job.files, subjects }
}

/** What `rekey` leaves to the server, and what it sends itself, copied by the server in the same parts, as many at a time. */
function copyParts(
  site: Site,
  { from, to, endpoint }: { from: Address; to: Address; endpoint: string },
  plaintextSize: number,
): Command {
  const headerBefore = sealedHeaderSize(1)
  const size = headerBefore + encryptedBodySize(plaintextSize)
  const splice = splicePlan({ headerBefore, headerAfter: sealedHeaderSize(READERS.length), size })
  if (splice === undefined) throw new Error('an object this small is not copied')
  const { replaces, partSize } = splice
  const plan = planOf(size, partSize, { length: replaces, replaces })
  const [bucket = '', source = ''] = from.path.split('/')
  const job: CopyPartsJob = {
    endpoint,
    bucket,
    source,
    target: to.path.slice(bucket.length + 1),
    lengths: Array.from({ length: plan.partCount }, (_, index) => plan.part(index + 1).length),
    atOnce: 4,
  }
  const program = fileURLToPath(new URL('copy-parts.ts', import.meta.url))
  const { cwd, env } = site.sealift()
  return { program: process.execPath, args: [program, JSON.stringify(job)], cwd, env }
}

async function createReaders(site: Site): Promise<void> {
  for (const name of READERS) {
    await measure(site.sealift('key', 'generate', name, '--no-passphrase', '--force'))
  }
}

/** Each of the new readers gets the file, by the reference implementation where it is there, and the old one nothing. */
async function expectReaders(site: Site, { url }: Address, expected: string): Promise<void> {
  const { path } = site.workplace
  await measure(site.sealift('download', url, 'sealed', '--no-decrypt'))
  const opening = (name: string): Command =>
    hasPeer('crypt4gh')
      ? site.peer('crypt4gh', ['decrypt', '--sk', `${name}.sec`], {
          stdin: path('sealed'),
          stdout: path('received'),
        })
      : site.sealift('decrypt', 'sealed', '--identity', `${name}.sec`, '--output', 'received', '--force')
  for (const name of READERS) {
    await measure(opening(name))
    await expectSame(path('received'), expected)
  }
  const stillOpens = await measure(opening('bench')).then(
    () => true,
    () => false,
  )
  if (stillOpens) throw new Error('the old reader still opens the object')
  await rm(path('sealed'))
  await rm(path('received'), { force: true })
}

/** Commands one after the other, as `&&` of a shell. */
function inTurn(...commands: readonly [Command, ...Command[]]): Command {
  const lines = commands.map(({ program, args }) => [program, ...args].map(quoted).join(' '))
  const [{ cwd, env }] = commands
  return { program: 'sh', args: ['-c', lines.join(' && ')], cwd, env }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`
}
