/**
 * A drop-in for `crypt4gh-keygen`: makes a key pair, or gives a secret key another passphrase. As in the reference,
 * C4GH_PASSPHRASE only opens the old key of `--relock`; a new passphrase is always asked for, twice.
 */
import { stat } from 'node:fs/promises'
import { generateKeyPair } from '../crypto/keys/key-pair.ts'
import { serializePublicKey } from '../crypto/keys/public-key-file.ts'
import { serializeSecretKey } from '../crypto/keys/secret-key-file.ts'
import { writeFileAtomically } from '../util/atomic-file.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import type { CommandLine } from './command-line.ts'
import { expandHome, readSecretKeyFile, setting } from './key-files.ts'
import { runTool } from './run-tool.ts'
import { warn } from './standard-streams.ts'
import { respondent } from './terminal.ts'
import type { Respondent } from './terminal.ts'

const HELP = `Makes a Crypt4GH key pair. Takes the place of the reference tool.

Usage:
  crypt4gh-keygen [-f] [--sk PATH] [--pk PATH] [--nocrypt] [-C COMMENT]
  crypt4gh-keygen --relock [--sk PATH] [--nocrypt] [-C COMMENT]

Flags:
  --sk PATH      secret key (default: C4GH_SECRET_KEY, else ~/.c4gh/key)
  --pk PATH      public key (default: C4GH_PUBLIC_KEY, else ~/.c4gh/key.pub)
  --nocrypt      store the secret key without a passphrase
  -C COMMENT     a note in the secret key file
  -f             overwrite files without asking
  --relock       give the secret key another passphrase; C4GH_PASSPHRASE may hold the old one
  --log PATH     ignored, as C4GH_LOG is
  -v, --version  print the version
  -h, --help     print this help

Without a terminal, passphrases and answers are read from stdin, a line each.
Exit codes: 0 done, 1 failed or declined, 2 passphrase wrong or missing
Recommended instead: sealift key generate (sealift key --help)
`

const SECRET_KEY_MODE = 0o400
const PUBLIC_KEY_MODE = 0o666

/** Runs the tool on this process's command line. */
export async function keygen(): Promise<void> {
  const flags = {
    sk: { value: true },
    pk: { value: true },
    nocrypt: {},
    comment: { short: 'C', value: true },
    force: { short: 'f' },
    relock: {},
  }
  await runTool({ name: 'crypt4gh-keygen', help: HELP, flags, run })
}

async function run(commandLine: CommandLine): Promise<void> {
  if (commandLine.words.length > 0) {
    throw new AppError('USAGE', `it takes flags only, not ${commandLine.words.join(' ')}`)
  }
  const person = respondent()
  try {
    await (commandLine.given.has('relock') ? relock : generate)(commandLine, person)
  } finally {
    person.leave()
  }
}

async function generate(commandLine: CommandLine, person: Respondent): Promise<void> {
  const sk = commandLine.value('sk') ?? setting('C4GH_SECRET_KEY') ?? '~/.c4gh/key'
  const pk = commandLine.value('pk') ?? setting('C4GH_PUBLIC_KEY') ?? '~/.c4gh/key.pub'
  const secretFile = expandHome(sk)
  const publicFile = expandHome(pk)
  const passphrase = await newPassphrase(commandLine, person, sk)
  if (!commandLine.given.has('force')) {
    for (const file of [publicFile, secretFile]) await askToReplace(person, file)
  }
  const keyPair = await generateKeyPair()
  try {
    const comment = commandLine.value('comment')
    await write(secretFile, await serializeSecretKey(keyPair, { passphrase, comment }), SECRET_KEY_MODE)
    await write(publicFile, serializePublicKey(keyPair.publicKey), PUBLIC_KEY_MODE)
  } finally {
    keyPair.secretKey.fill(0)
  }
  process.stdout.write(`secret key: ${secretFile}\npublic key: ${publicFile}\n`)
}

async function relock(commandLine: CommandLine, person: Respondent): Promise<void> {
  const sk = commandLine.value('sk') ?? setting('C4GH_SECRET_KEY') ?? '~/.c4gh/key'
  const oldPassphrase = async (): Promise<string> =>
    setting('C4GH_PASSPHRASE') ?? person.secret(`Passphrase for ${sk}: `)
  const { keyPair, kind, comment } = await readSecretKeyFile(sk, oldPassphrase)
  try {
    // A Crypt4GH key in its place would end the use of it as an OpenSSH or OpenSSL key.
    if (kind !== 'crypt4gh' && kind !== 'raw') {
      throw new AppError(
        'USAGE',
        `${sk} is no Crypt4GH key (${kind}), so its passphrase can't be changed here`,
        {
          hints: ['for OpenSSH keys: ssh-keygen -p -f KEY'],
        },
      )
    }
    const passphrase = await newPassphrase(commandLine, person, sk)
    const content = { passphrase, comment: commandLine.value('comment') ?? comment }
    await write(expandHome(sk), await serializeSecretKey(keyPair, content), SECRET_KEY_MODE)
  } finally {
    keyPair.secretKey.fill(0)
  }
  process.stdout.write(`secret key: ${expandHome(sk)}\n`)
}

/** Asked for twice; undefined for none. Throws USAGE when the two differ. */
async function newPassphrase(
  commandLine: CommandLine,
  person: Respondent,
  subject: string,
): Promise<string | undefined> {
  if (!commandLine.given.has('nocrypt')) {
    const typed = await person.secret(`New passphrase for ${subject} (empty for none): `)
    if ((await person.secret('The same again: ')) !== typed)
      throw new AppError('USAGE', 'the two passphrases differ')
    if (typed !== '') return typed
  }
  warn('the secret key is not encrypted: whoever gets the file can use it')
  return undefined
}

async function askToReplace(person: Respondent, file: string): Promise<void> {
  const exists = await stat(file).then(
    () => true,
    () => false,
  )
  if (!exists || (await person.line(`${file} exists already. Overwrite it? (y/n) `)) === 'y') return
  throw new AppError('FILE_EXISTS', `${file} exists already, and nothing was changed`)
}

async function write(file: string, content: string, mode: number): Promise<void> {
  try {
    await writeFileAtomically(file, content, { mode })
  } catch (error) {
    throw fileError(error, 'write', file)
  }
}
