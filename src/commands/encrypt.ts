import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import {
  bytesFlag,
  forceFlag,
  passphraseFlags,
  progressFlag,
  recipientFlag,
  requiredArg,
  senderKeyFlag,
} from '../cli/flags.ts'
import { formatTransfer, lines, table } from '../cli/report.ts'
import { printable } from '../cli/printable.ts'
import { recipientsFolder } from '../cli/settings.ts'
import {
  checkOutput,
  encryptedName,
  readInput,
  STANDARD_STREAM,
  newVersionName,
  writeOutput,
} from '../cli/streams.ts'
import type { SealRequest } from '../workflows/encrypt-file.ts'

export interface EncryptResult {
  input: string
  output: string
  /** Where the header is when it is kept apart. */
  headerFile?: string | undefined
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
    {
      description: 'the first mebibyte, sealed with an own key',
      command:
        '<%= config.bin %> encrypt reads.bam --bytes 0:1048576 --to animine.pub --sender-key lab.sec --output head.c4gh',
    },
  ]
  static override args = { FILE: requiredArg('file to encrypt, or - for stdin') }
  static override flags = {
    to: recipientFlag,
    output: Flags.string({
      char: 'o',
      description: 'file to write, or - for stdout (default: FILE.c4gh; stdout for stdin; none with --bytes)',
      helpValue: 'FILE|-',
    }),
    bytes: bytesFlag({
      description: 'encrypt only these bytes of the file, counted from 0; START: for all from there on',
    }),
    'sender-key': senderKeyFlag,
    header: Flags.string({
      description: 'write the header to a file of its own, and the body alone as output',
      helpValue: 'FILE',
    }),
    force: forceFlag,
    'encrypt-again': Flags.boolean({ description: 'take a file that is Crypt4GH already as if it were not' }),
    progress: progressFlag,
    ...passphraseFlags,
  }

  protected override async perform(): Promise<EncryptResult> {
    const { args, flags } = await this.parse(Encrypt)
    const input = args.FILE
    const output =
      flags.bytes === undefined ? (flags.output ?? encryptedName(input)) : newVersionName(input, flags.output)
    checkOutput(output, { json: this.jsonEnabled(), binary: true })
    const [{ loadRecipients }, { loadSender }] = await Promise.all([
      import('../workflows/recipients.ts'),
      import('../workflows/identities.ts'),
    ])
    const request: SealRequest = {
      recipients: await loadRecipients(flags.to ?? [], recipientsFolder()),
      sender: await loadSender(flags['sender-key'], this.askPassphrase(flags)),
      range: flags.bytes,
      headerFile: flags.header,
      output,
      force: flags.force,
      encryptAgain: flags['encrypt-again'],
    }
    if (input === STANDARD_STREAM || output === STANDARD_STREAM) return this.#pipe(input, request)
    const { encryptFile } = await import('../workflows/encrypt-file.ts')
    const result = await encryptFile({
      ...request,
      input,
      onBytes: await this.progressOfFile(flags.progress, input),
      signal: this.signal,
    })
    return { input, ...result }
  }

  async #pipe(input: string, request: SealRequest): Promise<EncryptResult> {
    const { encryptInput } = await import('../workflows/encrypt-file.ts')
    const { output, recipients, headerFile } = request
    const started = performance.now()
    const sealed = encryptInput(readInput(input, this.signal), request, input)
    const encryptedSize = await writeOutput(output, sealed, { replace: request.force })
    return {
      input,
      output,
      ...(headerFile === undefined ? {} : { headerFile }),
      encryptedSize,
      recipients: recipients.map(({ name, fingerprint }) => ({ name, fingerprint })),
      seconds: (performance.now() - started) / 1000,
    }
  }

  protected override toText(result: EncryptResult): string {
    const text = lines(
      `encrypted ${printable(result.input)} to ${printable(result.output)}, ${formatTransfer(result.encryptedSize, result.seconds)}, sealed for`,
      table(result.recipients.map(({ name, fingerprint }) => [`  ${name}`, fingerprint])),
      result.headerFile === undefined ? undefined : `its header is ${printable(result.headerFile)}`,
    )
    if (result.output !== STANDARD_STREAM) return text
    this.notes(text)
    return ''
  }
}
