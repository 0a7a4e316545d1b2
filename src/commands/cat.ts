import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import { bytesFlag, identityFlag, passphraseFlags, requiredArg, senderFlag } from '../cli/flags.ts'
import { recipientsFolder } from '../cli/settings.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import { checkStdout, STANDARD_STREAM, writeOutput } from '../cli/streams.ts'

export interface CatResult {
  /** Bytes written to stdout. */
  size: number
  /** Fingerprints of the senders' keys. */
  senders: string[]
}

export default class Cat extends SealiftCommand<CatResult> {
  static override summary = 'write a decrypted object, or a part of it, to stdout'
  static override description = `For pipes: nothing is stored, and no more is fetched than the reader takes, but for some 16 MiB.
Each byte appears once it was authenticated. When the command fails, what came out is incomplete: throw it away.`
  static override examples = [
    {
      description: 'count the reads of a delivered file',
      command:
        '<%= config.bin %> cat s3://animine-data-import-1/run_12/reads.bam.c4gh --identity animine.sec | samtools flagstat -',
    },
    {
      description: 'a hundred bytes from the middle; only the segments that hold them are fetched',
      command:
        '<%= config.bin %> cat s3://animine-data-import-1/reads.bam.c4gh --bytes 5000000:100 --identity animine.sec',
    },
  ]
  static override args = { OBJECT: requiredArg('s3://BUCKET/KEY') }
  static override flags = {
    identity: identityFlag,
    bytes: bytesFlag({
      description: 'only these bytes of the plaintext, counted from 0; START: for all from there on',
    }),
    'no-decrypt': Flags.boolean({
      description: 'the object as it is stored',
      exclusive: ['identity', 'sender'],
    }),
    sender: senderFlag,
    force: Flags.boolean({ description: 'write to a terminal, too' }),
    ...passphraseFlags,
    ...storeFlags,
  }

  protected override async perform(): Promise<CatResult> {
    const { args, flags } = await this.parse(Cat)
    checkStdout({ json: this.jsonEnabled(), force: flags.force })
    const [{ connect }, { parseS3Url }, { loadIdentities }, { loadSenders }, { openObject }] =
      await Promise.all([
        import('../workflows/connect.ts'),
        import('../workflows/s3-url.ts'),
        import('../workflows/identities.ts'),
        import('../workflows/recipients.ts'),
        import('../workflows/cat.ts'),
      ])
    const { bucket, objectKey } = parseS3Url(args.OBJECT)
    const decrypt = !flags['no-decrypt']
    const identities = decrypt ? await loadIdentities(flags.identity ?? [], this.askPassphrase(flags)) : []
    const senders = await loadSenders(flags.sender, recipientsFolder())
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const { content, senders: found } = await openObject({
      store,
      bucket,
      objectKey,
      identities,
      decrypt,
      senders,
      range: flags.bytes,
      signal: this.signal,
    })
    return { size: await writeOutput(STANDARD_STREAM, content, { replace: false }), senders: found }
  }

  protected override toText(): string {
    return ''
  }
}
