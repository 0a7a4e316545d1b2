import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import { forceFlag, progressFlag, recipientFlag, requiredArg } from '../cli/flags.ts'
import { formatTransfer, lines, table } from '../cli/report.ts'
import { printable } from '../cli/printable.ts'
import { checkOutput, encryptedName, readInput, STANDARD_STREAM, writeOutput } from '../cli/streams.ts'
import type { Recipient } from '../workflows/recipients.ts'

export interface EncryptResult {
  input: string
  output: string
  encryptedSize: number
  recipients: { name: string; fingerprint: string }[]
  seconds: number
}

export default class Encrypt extends SealiftCommand<EncryptResult> {
  static override summary = 'encrypt a file for its readers'
  static override description =
    "Makes a Crypt4GH file that any Crypt4GH tool can open with one of the recipients' secret keys. The output gets its name when it is whole."
  static override examples = [
    {
      description: 'make reads.bam.c4gh for two readers',
      command: '<%= config.bin %> encrypt reads.bam --to animine.pub --to @csc-sd',
    },
    {
      description: 'in a pipe',
      command: 'samtools view -b reads.sam | <%= config.bin %> encrypt - --to animine.pub > reads.bam.c4gh',
    },
  ]
  static override args = { FILE: requiredArg('file to encrypt, or - for stdin') }
  static override flags = {
    to: recipientFlag,
    output: Flags.string({
      char: 'o',
      description: 'file to write, or - for stdout (default: FILE.c4gh; stdout for stdin)',
      helpValue: 'FILE|-',
    }),
    force: forceFlag,
    'encrypt-again': Flags.boolean({ description: 'take a file that is Crypt4GH already as if it were not' }),
    progress: progressFlag,
  }

  protected override async perform(): Promise<EncryptResult> {
    const { args, flags } = await this.parse(Encrypt)
    const input = args.FILE
    const output = flags.output ?? encryptedName(input)
    checkOutput(output, { json: this.jsonEnabled(), binary: true })
    const { loadRecipients } = await import('../workflows/recipients.ts')
    const recipients = await loadRecipients(flags.to ?? [])
    if (input === STANDARD_STREAM || output === STANDARD_STREAM) {
      return this.#pipe(input, output, recipients, flags.force, flags['encrypt-again'])
    }
    const { encryptFile } = await import('../workflows/encrypt-file.ts')
    const result = await encryptFile({
      input,
      output,
      recipients,
      force: flags.force,
      encryptAgain: flags['encrypt-again'],
      onBytes: await this.progressOfFile(flags.progress, input),
      signal: this.signal,
    })
    return { input, ...result }
  }

  async #pipe(
    input: string,
    output: string,
    recipients: readonly Recipient[],
    replace: boolean,
    encryptAgain: boolean,
  ): Promise<EncryptResult> {
    const { encryptInput } = await import('../workflows/encrypt-file.ts')
    const started = performance.now()
    const sealed = encryptInput(readInput(input, this.signal), recipients, input, encryptAgain)
    const encryptedSize = await writeOutput(output, sealed, { replace })
    return {
      input,
      output,
      encryptedSize,
      recipients: recipients.map(({ name, fingerprint }) => ({ name, fingerprint })),
      seconds: (performance.now() - started) / 1000,
    }
  }

  protected override toText(result: EncryptResult): string {
    const text = lines(
      `encrypted ${printable(result.input)} to ${printable(result.output)}, ${formatTransfer(result.encryptedSize, result.seconds)}, sealed for`,
      table(result.recipients.map(({ name, fingerprint }) => [`  ${name}`, fingerprint])),
    )
    if (result.output !== STANDARD_STREAM) return text
    this.notes(text)
    return ''
  }
}
