import * as Flags from '@oclif/core/flags'
import { SealiftCommand, type PartialFailure } from '../cli/base-command.ts'
import {
  forceFlag,
  identityFlag,
  optionalArg,
  passphraseFlags,
  progressFlag,
  requiredArg,
  senderFlag,
} from '../cli/flags.ts'
import { count, formatByteSize, formatTransfer, lines, table } from '../cli/report.ts'
import { recipientsFolder } from '../cli/settings.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import type { DownloadResult } from '../workflows/download.ts'

export default class Download extends SealiftCommand<DownloadResult> {
  static override summary = 'download objects and decrypt them'
  static override description = `An object, or everything below a prefix that ends in a slash; the prefix and .c4gh are left out of the names.
A file gets its name only when its last byte was checked; nothing that is there already is replaced without --force.`
  static override examples = [
    {
      description: 'fetch and decrypt a delivered run',
      command: '<%= config.bin %> download s3://animine-data-import-1/run_12/ run_12/ --identity animine.sec',
    },
    {
      description: 'keep it encrypted',
      command: '<%= config.bin %> download s3://animine-data-import-1/run_12/ run_12/ --no-decrypt',
    },
  ]
  static override args = {
    SOURCE: requiredArg('s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ for everything below it'),
    DEST: optionalArg('file or folder to write to (default: the current folder)'),
  }
  static override flags = {
    identity: identityFlag,
    'no-decrypt': Flags.boolean({
      description: 'store the objects as they are',
      exclusive: ['identity', 'sender'],
    }),
    sender: senderFlag,
    force: forceFlag,
    concurrency: Flags.integer({ description: 'ranges on their way at the same time', min: 1, max: 64 }),
    progress: progressFlag,
    ...passphraseFlags,
    ...storeFlags,
  }

  protected override async perform(): Promise<DownloadResult> {
    const { args, flags } = await this.parse(Download)
    const [{ connect }, { parseS3Url }, { loadIdentities }, { loadSenders }, { download }] =
      await Promise.all([
        import('../workflows/connect.ts'),
        import('../workflows/s3-url.ts'),
        import('../workflows/identities.ts'),
        import('../workflows/recipients.ts'),
        import('../workflows/download.ts'),
      ])
    const { bucket, objectKey } = parseS3Url(args.SOURCE)
    const decrypt = !flags['no-decrypt']
    const identities = decrypt ? await loadIdentities(flags.identity ?? [], this.askPassphrase(flags)) : []
    const senders = await loadSenders(flags.sender, recipientsFolder())
    const { store } = this.closing(await connect({ ...storeSettings(flags), onRetry: this.onRetry }))
    return download({
      store,
      bucket,
      source: objectKey,
      destination: args.DEST,
      identities,
      decrypt,
      senders,
      force: flags.force,
      concurrency: flags.concurrency,
      onProgress: await this.progress(flags.progress),
      signal: this.signal,
    })
  }

  protected override failures(result: DownloadResult): readonly PartialFailure[] {
    return result.failed
  }

  protected override toText(result: DownloadResult): string {
    return lines(
      table(result.files.map(({ objectKey, path, size }) => [objectKey, path, formatByteSize(size)])),
      `downloaded ${count(result.files.length, 'file')}, ${formatTransfer(result.bytes, result.seconds)}`,
      result.skipped.length > 0
        ? `left out ${count(result.skipped.length, 'public key')} below keys/: not encrypted`
        : undefined,
    )
  }
}
