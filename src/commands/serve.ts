import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import { identityFlag, passphraseFlags, requiredArg, senderFlag, sizeFlag } from '../cli/flags.ts'
import { servedText, servingText } from '../cli/serve-text.ts'
import { recipientsFolder } from '../cli/settings.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import { wrongWords } from '../cli/usage-error.ts'
import type { ServeResult } from '../workflows/serve/serve-objects.ts'

const MIB = 1024 ** 2

/** Less would not hold what a few readers have on their way. */
const LEAST_MEMORY = 16 * MIB

/** Seconds for which a store that is away is waited for: the program that asked waits as long. */
const RETRY_FOR = 60

export default class Serve extends SealiftCommand<ServeResult> {
  static override summary = 'offer decrypted objects to programs on this machine, to be read at random'
  static override description = `Prints an address of this machine under which samtools, IGV and browsers read the objects by ranges, until Ctrl-C. Only what they ask for is fetched and decrypted; nothing is stored.
\`reads.bam.c4gh\` is \`reads.bam\` there, and a single object brings its index files. Whoever has the address can read, other users of this machine too when they see it in a command line.`
  static override examples = [
    {
      description: 'then: samtools view ADDRESS/reads.bam chr1:1000000-1010000',
      command: '<%= config.bin %> serve s3://animine-data-import-1/run_12/ --identity animine.sec',
    },
    {
      description: 'for a script, which finds the address in a file that only you can read',
      command:
        '<%= config.bin %> serve s3://animine-data-import-1/run_12/reads.bam.c4gh --identity animine.sec --url-file reads.url',
    },
  ]
  static override args = { PLACE: requiredArg('s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ for all below it') }
  static override flags = {
    identity: identityFlag,
    port: Flags.integer({ description: 'port to listen on (default: any free one)', min: 1, max: 65_535 }),
    memory: sizeFlag({ description: 'for decrypted segments that are kept (default: 256MiB)' }),
    'allow-origin': Flags.string({
      description: 'web page that may read, such as https://igv.org; may be repeated',
      helpValue: 'ORIGIN',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'plain-too': Flags.boolean({
      description: 'also objects that are not encrypted, as they are stored; nothing vouches for them',
    }),
    'url-file': Flags.string({
      description: 'write the address to this file, too, while it is served',
      helpValue: 'FILE',
    }),
    sender: senderFlag,
    ...passphraseFlags,
    ...storeFlags,
  }

  protected override async perform(): Promise<ServeResult> {
    const { args, flags } = await this.parse(Serve)
    const { memory = 256 * MIB, 'url-file': addressFile } = flags
    // Before anything takes time: a script that waits for the file would take an earlier address for this one's.
    if (addressFile !== undefined) {
      const { removeEarlierAddress } = await import('../workflows/serve/address-file.ts')
      await removeEarlierAddress(addressFile)
    }
    if (memory < LEAST_MEMORY) throw wrongWords('--memory is too small', 'give at least 16MiB')
    if (this.jsonEnabled() && addressFile === undefined) {
      throw wrongWords(
        'with --json stdout carries the result, and the address is needed before',
        'name a file for the address with --url-file',
      )
    }
    const [{ connect }, { parseS3Url }, { loadIdentities }, { loadSenders }, { serveObjects }] =
      await Promise.all([
        import('../workflows/connect.ts'),
        import('../workflows/s3-url.ts'),
        import('../workflows/identities.ts'),
        import('../workflows/recipients.ts'),
        import('../workflows/serve/serve-objects.ts'),
      ])
    const place = parseS3Url(args.PLACE)
    const identities = await loadIdentities(flags.identity ?? [], this.askPassphrase(flags))
    this.closing({
      close: () => {
        for (const { secretKey } of identities) secretKey.fill(0)
      },
    })
    const senders = await loadSenders(flags.sender, recipientsFolder())
    const { store } = this.closing(
      await connect({ ...storeSettings(flags), ...this.telling, retryFor: RETRY_FOR }),
    )
    return serveObjects({
      ...{ store, place, identities, senders, memory, addressFile },
      port: flags.port ?? 0,
      plainToo: flags['plain-too'],
      origins: flags['allow-origin'] ?? [],
      onListening: (address) => {
        this.line(address)
        this.note(servingText(args.PLACE))
      },
      onProblem: (message) => {
        this.note(message)
      },
      signal: this.signal,
    })
  }

  protected override toText(result: ServeResult): string {
    return servedText(result)
  }
}
