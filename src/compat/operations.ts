/** The four commands of `crypt4gh`, each with its part of the command line. */
import { lstat, writeFile } from 'node:fs/promises'
import { decryptStream, encryptStream } from '../crypto/crypt4gh/crypt4gh.ts'
import { HEADER_LIMITS } from '../crypto/crypt4gh/format.ts'
import { readHeader } from '../crypto/crypt4gh/header.ts'
import { openHeader } from '../crypto/crypt4gh/open-header.ts'
import { rearrangeStream } from '../crypto/crypt4gh/rearrange.ts'
import { resealHeader } from '../crypto/crypt4gh/reencrypt.ts'
import { writeFileAtomically } from '../util/atomic-file.ts'
import { rangeOfStream } from '../util/byte-range.ts'
import type { RequestedRange } from '../util/byte-range.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { readSmallFile } from '../util/small-file.ts'
import type { CommandLine } from './command-line.ts'
import { expandHome, readIdentity, readPublicKeyFile, readRecipients, requireIdentity } from './key-files.ts'
import { readStdin, warn, writeStdout } from './standard-streams.ts'
import { parseStartEnd } from './start-end.ts'

const WHOLE: RequestedRange = { offset: 0, length: undefined }

/** Permission bits before the umask: a header is meant for others. */
const HEADER_MODE = 0o666

export async function encrypt(commandLine: CommandLine): Promise<void> {
  const range = rangeOf(commandLine) ?? WHOLE
  const headerFile = commandLine.value('header')
  const recipients = await readRecipients(commandLine.values('recipient_pk'))
  const sender = await readIdentity(commandLine.value('sk'))
  const sealed = encryptStream(within(range, readStdin()), recipients, { sender })
  if (headerFile === undefined) {
    await writeStdout(sealed)
    return
  }
  const { bytes, rest } = await readHeader(sealed)
  await writeHeaderFile(expandHome(headerFile), bytes)
  await writeStdout(rest)
}

export async function decrypt(commandLine: CommandLine): Promise<void> {
  const range = rangeOf(commandLine) ?? WHOLE
  const headerFile = commandLine.value('header')
  const senderFile = commandLine.value('sender_pk')
  const senders = senderFile === undefined ? undefined : await readPublicKeyFile(senderFile)
  const identity = await requireIdentity(commandLine.value('sk'))
  const header = headerFile === undefined ? undefined : await readHeaderFile(expandHome(headerFile))
  await writeStdout(within(range, decryptStream(readStdin(), [identity], { senders, header })))
}

export async function rearrange(commandLine: CommandLine): Promise<void> {
  const range = rangeOf(commandLine)
  if (range === undefined)
    throw new AppError('USAGE', 'no range given', { hints: ['give --range START-END'] })
  const identity = await requireIdentity(commandLine.value('sk'))
  await writeStdout(rearrangeStream(readStdin(), [identity], [identity.publicKey], range, identity))
}

export async function reencrypt(commandLine: CommandLine): Promise<void> {
  const recipients = await readRecipients(commandLine.values('recipient_pk'))
  const identity = await requireIdentity(commandLine.value('sk'))
  const { header, rest } = await readHeader(readStdin())
  const opened = await openHeader(header, [identity])
  const keepUnopened = !commandLine.given.has('trim')
  const kept = keepUnopened ? opened.unopened.length : 0
  try {
    const resealed = await resealHeader(opened, recipients, { keepUnopened, sender: identity })
    if (kept > 0) {
      warn(
        `${kept} header packets that your key can't open were kept, so their readers can read on (--trim drops them)`,
      )
    }
    await writeStdout(chain([resealed], commandLine.given.has('header-only') ? [] : rest))
  } finally {
    for (const dataKey of opened.dataKeys) dataKey.fill(0)
  }
}

function rangeOf(commandLine: CommandLine): RequestedRange | undefined {
  const text = commandLine.value('range')
  return text === undefined ? undefined : parseStartEnd(text)
}

/** As the reference does: what there is of a range that reaches beyond the end. But not in silence. */
async function* within(
  range: RequestedRange,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* rangeOfStream(source, range)
  } catch (error) {
    if (!hasCode(error, 'INVALID_RANGE')) throw error
    warn(error.message)
  }
}

async function* chain(
  ...sources: readonly (AsyncIterable<Uint8Array> | Iterable<Uint8Array>)[]
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const source of sources) yield* source
}

function readHeaderFile(path: string): Promise<Uint8Array> {
  return readSmallFile(path, 'read the header', HEADER_LIMITS.headerLength)
}

/** Whole or not at all, unless it is no regular file: `--header >(upload)` is a pipe of the shell. */
async function writeHeaderFile(path: string, header: Uint8Array): Promise<void> {
  const special = await lstat(path).then(
    (existing) => !existing.isFile(),
    () => false,
  )
  try {
    await (special ? writeFile(path, header) : writeFileAtomically(path, header, { mode: HEADER_MODE }))
  } catch (error) {
    throw fileError(error, 'write the header', path)
  }
}
