/**
 * A drop-in for `crypt4gh`, the command of the reference implementation: its commands, flags and environment, from
 * stdin to stdout. docs/from-crypt4gh.md lists what differs and why.
 */
import { AppError } from '../util/errors.ts'
import type { CommandLine, Flag } from './command-line.ts'
import { decrypt, encrypt, rearrange, reencrypt } from './operations.ts'
import { runTool } from './run-tool.ts'

const HELP = `Encrypts and decrypts Crypt4GH files, from stdin to stdout. Takes the place of the reference tool.

Usage:
  crypt4gh encrypt   [--sk PATH] --recipient_pk PATH... [--range START-END] [--header PATH]
  crypt4gh decrypt   [--sk PATH] [--sender_pk PATH] [--range START-END] [--header PATH]
  crypt4gh rearrange [--sk PATH] --range START-END
  crypt4gh reencrypt [--sk PATH] --recipient_pk PATH... [--trim] [--header-only]

Flags:
  --sk PATH            secret key: c4gh, OpenSSH ed25519, OpenSSL X25519 or Ed25519
                       (encrypt makes a new one when neither it nor C4GH_SECRET_KEY is given)
  --recipient_pk PATH  public key of someone who shall read; may be given several times
  --sender_pk PATH     refuse what this public key did not seal
  --range START-END    END - START - 1 bytes from START on (so 0-11 is the first ten); START- for all that follows
  --header PATH        the header stands in a file of its own: encrypt writes it, decrypt reads it
  -t, --trim           drop the header packets that your key can't open
  --header-only        stdin is a header, and only a header comes out
  --log PATH           ignored, as C4GH_LOG and C4GH_DEBUG are
  -v, --version        print the version
  -h, --help           print this help

Environment:
  C4GH_SECRET_KEY      path of the secret key when --sk is not given
  C4GH_PASSPHRASE      its passphrase; asked for at the terminal otherwise

Exit codes: 0 done, 1 failed (what was written is to be thrown away), 2 passphrase wrong or missing
Recommended instead: sealift encrypt, sealift decrypt (sealift --help)
`

const FLAGS: Readonly<Record<string, Flag>> = {
  sk: { value: true },
  recipient_pk: { value: true },
  sender_pk: { value: true },
  range: { value: true },
  header: { value: true },
  trim: { short: 't' },
  'header-only': {},
}

interface Command {
  flags: readonly string[]
  run(commandLine: CommandLine): Promise<void>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  encrypt: { flags: ['sk', 'recipient_pk', 'range', 'header'], run: encrypt },
  decrypt: { flags: ['sk', 'sender_pk', 'range', 'header'], run: decrypt },
  rearrange: { flags: ['sk', 'range'], run: rearrange },
  reencrypt: { flags: ['sk', 'recipient_pk', 'trim', 'header-only'], run: reencrypt },
}

/** Runs the tool on this process's command line. */
export async function crypt4gh(): Promise<void> {
  await runTool({ name: 'crypt4gh', help: HELP, flags: FLAGS, run })
}

async function run(commandLine: CommandLine): Promise<void> {
  const [name = '', ...rest] = commandLine.words
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    throw new AppError('USAGE', name === '' ? 'no command given' : `there is no command ${name}`)
  }
  if (rest.length > 0) {
    throw new AppError('USAGE', `${name} takes flags only, not ${rest.join(' ')}`, {
      hints: ['it reads stdin and writes stdout: crypt4gh … < IN > OUT'],
    })
  }
  const foreign = [...commandLine.given].find((flag) => flag !== 'log' && !command.flags.includes(flag))
  if (foreign !== undefined) throw new AppError('USAGE', `${name} has no flag --${foreign}`)
  await command.run(commandLine)
}
