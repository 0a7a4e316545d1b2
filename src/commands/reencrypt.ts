import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import {
  forceFlag,
  identityFlag,
  outputFlag,
  passphraseFlags,
  recipientFlag,
  requiredArg,
  senderKeyFlag,
} from '../cli/flags.ts'
import { partyNames } from '../cli/party-names.ts'
import { printable } from '../cli/printable.ts'
import { count, formatTransfer, lines, table } from '../cli/report.ts'
import { checkOutput, newVersionName, readInput, STANDARD_STREAM, writeOutput } from '../cli/streams.ts'
import type { ReencryptedFile } from '../workflows/reencrypt.ts'

export interface ReencryptResult extends ReencryptedFile {
  input: string
  output: string
}

export default class Reencrypt extends SealiftCommand<ReencryptResult> {
  static override summary = 'give a Crypt4GH file other readers, with the same body'
  static override description = `Writes a new header in front of the body, which is copied as it is and not checked.
It takes nothing back: whoever could open the old file can read the body for ever. To shut a reader out, use rekey.
FILE may be a header alone, as encrypt --header writes it.`
  static override examples = [
    {
      description: 'let a second group read a file',
      command:
        '<%= config.bin %> reencrypt reads.bam.c4gh --identity animine.sec --to animine.pub --to other.pub --output shared.bam.c4gh',
    },
    {
      description: 'add a reader and keep all that are there',
      command:
        '<%= config.bin %> reencrypt reads.bam.c4gh --identity animine.sec --to animine.pub --to other.pub --keep-others --output shared.bam.c4gh',
    },
  ]
  static override args = { FILE: requiredArg('encrypted file or header, or - for stdin') }
  static override flags = {
    identity: identityFlag,
    to: recipientFlag,
    'keep-others': Flags.boolean({
      description: 'keep the header packets of other readers; without it they are dropped',
    }),
    'header-only': Flags.boolean({ description: 'write only the new header, without the body' }),
    'sender-key': senderKeyFlag,
    output: outputFlag,
    force: forceFlag,
    ...passphraseFlags,
  }

  protected override async perform(): Promise<ReencryptResult> {
    const { args, flags } = await this.parse(Reencrypt)
    const input = args.FILE
    const output = newVersionName(input, flags.output)
    checkOutput(output, { json: this.jsonEnabled(), binary: true })
    const [{ loadParties }, { readSource }, { reencrypt }] = await Promise.all([
      import('../workflows/parties.ts'),
      import('../workflows/read-source.ts'),
      import('../workflows/reencrypt.ts'),
    ])
    const parties = await loadParties(partyNames(flags, this.askPassphrase(flags)))
    const result = await reencrypt({
      input: input === STANDARD_STREAM ? readInput(input, this.signal) : readSource(input, this.signal),
      name: input,
      ...parties,
      keepOthers: flags['keep-others'],
      headerOnly: flags['header-only'],
      write: (bytes) => writeOutput(output, bytes, { replace: flags.force }),
    })
    return { input, output, ...result }
  }

  protected override toText(result: ReencryptResult): string {
    const { input, output, size, seconds, recipients, others } = result
    const text = lines(
      `reencrypted ${printable(input)} to ${printable(output)}, ${formatTransfer(size, seconds)}, sealed for`,
      table(recipients.map(({ name, fingerprint }) => [`  ${name}`, fingerprint])),
      others.packets === 0
        ? undefined
        : `${count(others.packets, 'header packet')} of others ${others.kept ? 'kept' : 'dropped'}`,
      result.stillReadable ? undefined : 'none of the identities given can open it any more',
    )
    if (output !== STANDARD_STREAM) return text
    this.notes(text)
    return ''
  }
}
