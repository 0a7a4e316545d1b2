import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import {
  forceFlag,
  identityFlag,
  passphraseFlags,
  progressFlag,
  recipientFlag,
  requiredArg,
  senderKeyFlag,
} from '../cli/flags.ts'
import { partyNames } from '../cli/party-names.ts'
import { printable } from '../cli/printable.ts'
import { count, formatTransfer, lines, table } from '../cli/report.ts'
import type { RekeyedFile } from '../workflows/rekey.ts'

export interface RekeyResult extends RekeyedFile {
  input: string
}

export default class Rekey extends SealiftCommand<RekeyResult> {
  static override summary = 'encrypt a Crypt4GH file anew, under a new data key'
  static override description = `Decrypts and encrypts the whole body, checking every segment, and replaces the file when the new one is whole.
Only the readers named with --to can open it: others are out, even with what they kept of the old header. Copies of the old file stay readable for them.`
  static override examples = [
    {
      description: 'shut a former reader out of a file',
      command: '<%= config.bin %> rekey reads.bam.c4gh --identity animine.sec --to animine.pub',
    },
  ]
  static override args = { FILE: requiredArg('encrypted file') }
  static override flags = {
    identity: identityFlag,
    to: recipientFlag,
    'sender-key': senderKeyFlag,
    output: Flags.string({
      char: 'o',
      description: 'file to write instead of replacing FILE',
      helpValue: 'FILE',
    }),
    force: forceFlag,
    progress: progressFlag,
    ...passphraseFlags,
  }

  protected override async perform(): Promise<RekeyResult> {
    const { args, flags } = await this.parse(Rekey)
    const input = args.FILE
    const [{ loadParties }, { rekeyFile }] = await Promise.all([
      import('../workflows/parties.ts'),
      import('../workflows/rekey.ts'),
    ])
    const parties = await loadParties(partyNames(flags, this.askPassphrase(flags)))
    const result = await rekeyFile({
      input,
      output: flags.output,
      ...parties,
      force: flags.force,
      onBytes: await this.progressOfFile(flags.progress, input),
      signal: this.signal,
    })
    return { input, ...result }
  }

  protected override toText(result: RekeyResult): string {
    const { input, output, plaintextSize, seconds, recipients, otherPackets } = result
    return lines(
      `rekeyed ${printable(input)} to ${printable(output)}, ${formatTransfer(plaintextSize, seconds)}, sealed for`,
      table(recipients.map(({ name, fingerprint }) => [`  ${name}`, fingerprint])),
      otherPackets === 0
        ? undefined
        : `the old header had ${count(otherPackets, 'packet')} for others: they are out unless named here`,
    )
  }
}
