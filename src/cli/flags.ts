import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { parseByteRange, type RequestedRange } from '../util/byte-range.ts'
import { parseByteSize } from '../util/byte-size.ts'
import { parseDuration } from '../util/duration.ts'

/** Flags of every command. */
export const globalFlags = {
  json: Flags.boolean({ description: 'print the result as one JSON document', helpGroup: 'GLOBAL' }),
  quiet: Flags.boolean({
    char: 'q',
    description: 'no progress and no notes, only the result and errors',
    helpGroup: 'GLOBAL',
  }),
  verbose: Flags.boolean({
    char: 'v',
    description: 'say more on stderr: error codes, causes, where a bug happened',
    helpGroup: 'GLOBAL',
  }),
}

/** Where a passphrase comes from when it is not typed. */
export const passphraseFlags = {
  'passphrase-file': Flags.string({
    description: 'file whose only line is the passphrase',
    helpValue: 'FILE',
    helpGroup: 'PASSPHRASE',
    exclusive: ['passphrase-command'],
  }),
  'passphrase-command': Flags.string({
    description: 'shell command that prints the passphrase; without either: C4GH_PASSPHRASE, or a prompt',
    helpValue: 'COMMAND',
    helpGroup: 'PASSPHRASE',
  }),
}

/** Who can read what is encrypted. */
export const recipientFlag = Flags.string({
  description: "recipient's public key file, or a well-known one such as @csc-sd; may be repeated",
  helpValue: 'FILE|@NAME',
  multiple: true,
  multipleNonGreedy: true,
})

/** The secret keys that open what is read. */
export const identityFlag = Flags.string({
  char: 'i',
  description: 'secret key file that opens it; may be repeated',
  helpValue: 'FILE',
  multiple: true,
  multipleNonGreedy: true,
})

/** Who seals it. */
export const senderKeyFlag = Flags.string({
  description: 'own secret key file to seal with, so that readers who know its public key can tell who did',
  helpValue: 'FILE',
})

/** Who must have sealed it. */
export const senderFlag = Flags.string({
  description: 'refuse it unless this public key sealed it; may be repeated, any of them will do',
  helpValue: 'FILE|@NAME',
  multiple: true,
  multipleNonGreedy: true,
})

/** A part of a plaintext. */
export const bytesFlag = Flags.custom<RequestedRange>({
  helpValue: 'START:LENGTH',
  parse: async (input) => parseByteRange(input),
})

/** Where a result goes when nothing obvious offers itself. */
export const outputFlag = Flags.string({
  char: 'o',
  description: 'file to write, or - for stdout (stdin: stdout when left out)',
  helpValue: 'FILE|-',
})

/** Replacing what is there. */
export const forceFlag = Flags.boolean({ description: 'replace what is there already' })

/** Progress for people or machines. */
export const progressFlag = Flags.option({
  options: ['auto', 'json', 'none'] as const,
  description: 'a bar on a terminal, or a JSON line a second, on stderr',
  default: 'auto',
})()

/** What a project may do, until when, where and from where. */
export const grantFlags = {
  role: Flags.option({
    options: ['depositor', 'reader', 'collaborator'] as const,
    description: 'what it may do: deliver only, read only, or both and delete',
    default: 'depositor',
  })(),
  until: Flags.string({
    description: 'when the access ends by itself: a time from now (14d, 12h) or a date (2026-12-01)',
    helpValue: 'TIME',
  }),
  prefix: Flags.string({
    description: 'only object keys below this prefix, such as run_12/',
    helpValue: 'PREFIX',
  }),
  'from-ip': Flags.string({
    description: 'only from this address or block of addresses',
    helpValue: 'CIDR',
  }),
}

/** An age such as 7d, as seconds. */
export const ageFlag = Flags.custom<number>({
  helpValue: 'AGE',
  parse: async (input) => parseDuration(input),
})

/** A size such as 8MiB, as bytes. */
export const sizeFlag = Flags.custom<number>({
  helpValue: 'SIZE',
  parse: async (input) => parseByteSize(input),
})

/** A required argument. oclif would read a missing one from stdin, which belongs to what is encrypted. */
export function requiredArg(description: string) {
  return Args.string({ description, required: true, ignoreStdin: true })
}

/** An argument that may be left out. */
export function optionalArg(description: string) {
  return Args.string({ description, ignoreStdin: true })
}

/** An argument that takes any number of values, also none. */
export function someArg(description: string) {
  return Args.string({ description, multiple: true, ignoreStdin: true })
}

/** A required argument that takes one or several values. */
export function severalArg(description: string) {
  return Args.string({ description, required: true, multiple: true, ignoreStdin: true })
}
