import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import {
  bytesFlag,
  forceFlag,
  identityFlag,
  passphraseFlags,
  progressFlag,
  requiredArg,
  senderFlag,
} from '../cli/flags.ts'
import { formatTransfer } from '../cli/report.ts'
import { printable } from '../cli/printable.ts'
import { recipientsFolder } from '../cli/settings.ts'
import {
  checkOutput,
  checkRandomAccess,
  decryptedName,
  newVersionName,
  readInput,
  STANDARD_STREAM,
  writeOutput,
} from '../cli/streams.ts'

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
    {
      description: 'a hundred bytes from the middle; only the segments that hold them are read',
      command:
        '<%= config.bin %> decrypt reads.bam.c4gh --bytes 5000000:100 --output - --identity animine.sec',
    },
  ]
  static override args = { FILE: requiredArg('file to decrypt, or - for stdin') }
  static override flags = {
    identity: identityFlag,
    output: Flags.string({
      char: 'o',
      description:
        'file to write, or - for stdout (default: FILE without .c4gh; stdout for stdin; none with --bytes)',
      helpValue: 'FILE|-',
    }),
    bytes: bytesFlag({
      description: 'only these bytes of the plaintext, counted from 0; START: for all from there on',
    }),
    sender: senderFlag,
    header: Flags.string({
      description: 'header that is kept apart; FILE is then the body alone',
      helpValue: 'FILE',
    }),
    force: forceFlag,
    progress: progressFlag,
    ...passphraseFlags,
  }

  protected override async perform(): Promise<DecryptResult> {
    const { args, flags } = await this.parse(Decrypt)
    const input = args.FILE
    const output =
      flags.bytes === undefined ? (flags.output ?? decryptedName(input)) : newVersionName(input, flags.output)
    checkOutput(output, { json: this.jsonEnabled(), binary: false })
    const { bytes: range, header: headerFile } = flags
    if (range !== undefined) checkRandomAccess(input)
    const [{ loadIdentities }, { loadSenders }, { decryptFile, decryptInput, decryptRange }] =
      await Promise.all([
        import('../workflows/identities.ts'),
        import('../workflows/recipients.ts'),
        import('../workflows/decrypt-file.ts'),
      ])
    const senders = await loadSenders(flags.sender, recipientsFolder())
    const identities = await loadIdentities(flags.identity ?? [], this.askPassphrase(flags))
    const request = { input, identities, senders, headerFile, range, signal: this.signal }
    if (input !== STANDARD_STREAM && output !== STANDARD_STREAM) {
      const onBytes = await this.progressOfFile(flags.progress, input)
      return { input, ...(await decryptFile({ ...request, output, force: flags.force, onBytes })) }
    }
    const started = performance.now()
    const plaintext =
      range === undefined ? decryptInput(readInput(input, this.signal), request) : decryptRange(request)
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
