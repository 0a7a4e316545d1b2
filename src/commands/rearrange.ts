import { SealiftCommand } from '../cli/base-command.ts'
import {
  bytesFlag,
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
import { formatTransfer, lines, table } from '../cli/report.ts'
import { checkOutput, newVersionName, readInput, STANDARD_STREAM, writeOutput } from '../cli/streams.ts'
import type { RearrangedFile } from '../workflows/rearrange.ts'

export interface RearrangeResult extends RearrangedFile {
  input: string
  output: string
}

export default class Rearrange extends SealiftCommand<RearrangeResult> {
  static override summary = 'make a Crypt4GH file of a range of another, without encrypting it again'
  static override description = `Copies the segments that hold the range and adds an edit list; all other segments are left out.
What the first and the last of those segments hold besides, up to 65535 bytes each, stays in the file, and its readers could decrypt it.
When even that must not leave, use decrypt --bytes and encrypt.`
  static override examples = [
    {
      description: 'give away one region of a file',
      command:
        '<%= config.bin %> rearrange reads.bam.c4gh --identity animine.sec --bytes 5000000:200000 --to other.pub --output region.c4gh',
    },
  ]
  static override args = { FILE: requiredArg('encrypted file, or - for stdin') }
  static override flags = {
    identity: identityFlag,
    bytes: bytesFlag({
      description: 'what to keep of the plaintext, counted from 0; START: for all from there on',
      required: true,
    }),
    to: recipientFlag,
    'sender-key': senderKeyFlag,
    output: outputFlag,
    force: forceFlag,
    ...passphraseFlags,
  }

  protected override async perform(): Promise<RearrangeResult> {
    const { args, flags } = await this.parse(Rearrange)
    const input = args.FILE
    const output = newVersionName(input, flags.output)
    checkOutput(output, { json: this.jsonEnabled(), binary: true })
    const [{ loadParties }, { readSource }, { rearrange }] = await Promise.all([
      import('../workflows/parties.ts'),
      import('../workflows/read-source.ts'),
      import('../workflows/rearrange.ts'),
    ])
    const parties = await loadParties(partyNames(flags, this.askPassphrase(flags)))
    const result = await rearrange({
      input: input === STANDARD_STREAM ? readInput(input, this.signal) : readSource(input, this.signal),
      name: input,
      ...parties,
      range: flags.bytes,
      write: (bytes) => writeOutput(output, bytes, { replace: flags.force }),
    })
    return { input, output, ...result }
  }

  protected override toText(result: RearrangeResult): string {
    const { input, output, size, seconds, recipients } = result
    const text = lines(
      `rearranged ${printable(input)} to ${printable(output)}, ${formatTransfer(size, seconds)}, sealed for`,
      recipients.length === 0
        ? '  the identities that open the input'
        : table(recipients.map(({ name, fingerprint }) => [`  ${name}`, fingerprint])),
    )
    if (output !== STANDARD_STREAM) return text
    this.notes(text)
    return ''
  }
}
