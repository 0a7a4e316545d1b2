import * as Flags from '@oclif/core/flags'
import { shutOutText } from '../../cli/shut-out-text.ts'
import { SealiftCommand } from '../../cli/base-command.ts'
import { requiredArg } from '../../cli/flags.ts'
import { printable } from '../../cli/printable.ts'
import { count, formatByteSize, lines } from '../../cli/report.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { CloseBucketResult } from '../../workflows/close-bucket.ts'

export default class BucketClose extends SealiftCommand<CloseBucketResult> {
  static override summary = 'end an import bucket: shut everybody else out, keep the data'
  static override description =
    'Revokes every access, aborts unfinished uploads, reads everything back and shows what is left. Nothing is deleted; with --delete-bucket an empty bucket is.'
  static override examples = [
    {
      description: 'end deliveries into a bucket',
      command: '<%= config.bin %> bucket close animine-data-import-1',
    },
  ]
  static override args = { BUCKET: requiredArg('name of your bucket') }
  static override flags = {
    'delete-bucket': Flags.boolean({ description: 'delete the bucket too; refused while it holds anything' }),
    ...storeFlags,
  }

  protected override async perform(): Promise<CloseBucketResult> {
    const { args, flags } = await this.parse(BucketClose)
    const [{ connect }, { parseBucket }, { closeBucket }] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/close-bucket.ts'),
    ])
    const bucket = parseBucket(args.BUCKET)
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    return closeBucket(store, { bucket, deleteBucket: flags['delete-bucket'] }, this.signal)
  }

  protected override toText(result: CloseBucketResult): string {
    const place = `s3://${printable(result.bucket)}`
    return lines(
      result.projects.length === 0
        ? `nobody else had access to ${place}`
        : `shut out of ${place}: ${printable(result.projects.join(', '))}`,
      shutOutText(result),
      result.deleted
        ? `deleted ${place}, which was empty`
        : `kept ${count(result.kept.count, 'object')}, ${formatByteSize(result.kept.bytes)}`,
    )
  }
}
