import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import { identityFlag, passphraseFlags, progressFlag, requiredArg, senderFlag } from '../cli/flags.ts'
import { printable } from '../cli/printable.ts'
import { count, formatByteSize, formatTransfer, lines } from '../cli/report.ts'
import { recipientsFolder } from '../cli/settings.ts'
import type { VerifyResult } from '../workflows/verify-file.ts'

export default class Verify extends SealiftCommand<VerifyResult> {
  static override summary = 'check every tag of a Crypt4GH file, and write nothing'
  static override description =
    'Decrypts and throws away: every segment that a reader gets is authenticated, senders and nonces are checked. What Crypt4GH itself cannot show stays unseen: a file cut off between two segments, segments that changed places (docs/inspect.md).'
  static override examples = [
    {
      description: 'check a file before its source is deleted',
      command: '<%= config.bin %> verify reads.bam.c4gh --identity animine.sec',
    },
    {
      description: 'check a body whose header is kept apart, and who sent it',
      command:
        '<%= config.bin %> verify reads.body --header reads.header --identity animine.sec --sender producer.pub',
    },
  ]
  static override args = { FILE: requiredArg('file to check') }
  static override flags = {
    identity: identityFlag,
    header: Flags.string({
      description: 'file with the header, when FILE is a body alone',
      helpValue: 'FILE',
    }),
    sender: senderFlag,
    progress: progressFlag,
    ...passphraseFlags,
  }

  protected override async perform(): Promise<VerifyResult> {
    const { args, flags } = await this.parse(Verify)
    const [{ loadIdentities }, { loadSenders }, { verifyFile }] = await Promise.all([
      import('../workflows/identities.ts'),
      import('../workflows/recipients.ts'),
      import('../workflows/verify-file.ts'),
    ])
    return verifyFile({
      path: args.FILE,
      senders: await loadSenders(flags.sender, recipientsFolder()),
      identities: await loadIdentities(flags.identity ?? [], this.askPassphrase(flags)),
      headerFile: flags.header,
      onBytes: await this.progressOfFile(flags.progress, args.FILE),
      signal: this.signal,
    })
  }

  protected override toText(result: VerifyResult): string {
    const { segments, checked, findings } = result
    return lines(
      `${printable(result.file)} is whole as far as Crypt4GH can tell: ${count(checked, 'segment')} authenticated, ${formatByteSize(result.plaintextSize)} of plaintext`,
      checked === segments
        ? undefined
        : `not checked  ${count(segments - checked, 'segment')} that the edit list skips`,
      `data keys    ${result.dataKeys}`,
      ...result.senders.map((sender) => `sender       ${sender}`),
      ...findings.map(({ finding, message }) => `warning      ${finding}: ${printable(message)}`),
      `read ${formatTransfer(result.size, result.seconds)}`,
    )
  }
}
