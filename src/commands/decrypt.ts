import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import { forceFlag, identityFlag, passphraseFlags, progressFlag, requiredArg } from '../cli/flags.ts'
import { formatTransfer } from '../cli/report.ts'
import { printable } from '../cli/printable.ts'
import { checkOutput, decryptedName, readInput, STANDARD_STREAM, writeOutput } from '../cli/streams.ts'

export interface DecryptResult {
  input: string
  output: string
  plaintextSize: number
  /** Fingerprints of the senders' keys, where the whole file was read at once. */
  senders: string[]
  seconds: number
}

export default class Decrypt extends SealiftCommand<DecryptResult> {
  static override summary = 'decrypt a Crypt4GH file'
  static override description =
    'A file gets its name when its last segment was authenticated. On stdout each segment appears once it was; when the command fails, throw away what came out.'
  static override examples = [
    {
      description: 'make reads.bam from reads.bam.c4gh',
      command: '<%= config.bin %> decrypt reads.bam.c4gh --identity animine.sec',
    },
    {
      description: 'in a pipe',
      command:
        '<%= config.bin %> decrypt reads.bam.c4gh --output - --identity animine.sec | samtools flagstat -',
    },
  ]
  static override args = { FILE: requiredArg('file to decrypt, or - for stdin') }
  static override flags = {
    identity: identityFlag,
    output: Flags.string({
      char: 'o',
      description: 'file to write, or - for stdout (default: FILE without .c4gh; stdout for stdin)',
      helpValue: 'FILE|-',
    }),
    force: forceFlag,
    progress: progressFlag,
    ...passphraseFlags,
  }

  protected override async perform(): Promise<DecryptResult> {
    const { args, flags } = await this.parse(Decrypt)
    const input = args.FILE
    const output = flags.output ?? decryptedName(input)
    checkOutput(output, { json: this.jsonEnabled(), binary: false })
    const [{ loadIdentities }, { decryptFile, decryptInput }] = await Promise.all([
      import('../workflows/identities.ts'),
      import('../workflows/decrypt-file.ts'),
    ])
    const identities = await loadIdentities(flags.identity ?? [], this.askPassphrase(flags))
    if (input !== STANDARD_STREAM && output !== STANDARD_STREAM) {
      const result = await decryptFile({
        input,
        output,
        identities,
        force: flags.force,
        onBytes: await this.progressOfFile(flags.progress, input),
        signal: this.signal,
      })
      return { input, ...result }
    }
    const started = performance.now()
    const plaintext = decryptInput(readInput(input, this.signal), identities)
    const plaintextSize = await writeOutput(output, plaintext, { replace: flags.force })
    return { input, output, plaintextSize, senders: [], seconds: (performance.now() - started) / 1000 }
  }

  protected override toText(result: DecryptResult): string {
    const text = `decrypted ${printable(result.input)} to ${printable(result.output)}, ${formatTransfer(result.plaintextSize, result.seconds)}`
    if (result.output !== STANDARD_STREAM) return text
    this.notes(text)
    return ''
  }
}
