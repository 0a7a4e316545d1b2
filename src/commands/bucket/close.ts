import * as Flags from '@oclif/core/flags'
import { shutOutText } from '../../cli/shut-out-text.ts'
import { SealiftCommand, type PartialFailure } from '../../cli/base-command.ts'
import { requiredArg } from '../../cli/flags.ts'
import { printable } from '../../cli/printable.ts'
import { count, formatByteSize, lines } from '../../cli/report.ts'
import { accessHistoryFile, knownKeysFile } from '../../cli/settings.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import { wrongWords } from '../../cli/usage-error.ts'
import type { CloseBucketResult } from '../../workflows/close-bucket.ts'

export default class BucketClose extends SealiftCommand<CloseBucketResult> {
  static override summary = 'end an import bucket: shut everybody else out, keep the data'
  static override description =
    'Revokes every access, aborts unfinished uploads, reads everything back and shows what is left. Nothing is deleted; with --delete-bucket an empty bucket is. With --delete-versions it shows what the bucket keeps, older versions included, and deletes all of it for good only when --yes repeats the name of the bucket.'
  static override examples = [
    {
      description: 'end deliveries into a bucket',
      command: '<%= config.bin %> bucket close animine-data-import-1',
    },
    {
      description: 'delete it with everything in it, after its data was downloaded',
      command:
        '<%= config.bin %> bucket close animine-data-import-1 --delete-bucket --delete-versions --yes animine-data-import-1',
    },
  ]
  static override args = { BUCKET: requiredArg('name of your bucket') }
  static override flags = {
    'delete-bucket': Flags.boolean({ description: 'delete the bucket too; refused while it holds anything' }),
    'delete-versions': Flags.boolean({
      description:
        'show all that the bucket keeps: objects, older versions, delete markers; delete it with --yes',
    }),
    yes: Flags.string({
      description: 'really delete all that --delete-versions shows; the name of the bucket again',
      helpValue: 'BUCKET',
      dependsOn: ['delete-versions'],
    }),
    ...storeFlags,
  }

  protected override async perform(): Promise<CloseBucketResult> {
    const { args, flags } = await this.parse(BucketClose)
    const [{ connect }, { parseBucket }, { closeBucket }, { rememberAccess }, { checkBucketOwner }] =
      await Promise.all([
        import('../../workflows/connect.ts'),
        import('../../workflows/s3-url.ts'),
        import('../../workflows/close-bucket.ts'),
        import('../../workflows/remember-access.ts'),
        import('../../workflows/bucket-owner.ts'),
      ])
    const bucket = parseBucket(args.BUCKET)
    const versions = flags['delete-versions'] ? ('count' as const) : undefined
    if (flags.yes !== undefined && parseBucket(flags.yes) !== bucket) {
      throw wrongWords(`--yes names ${flags.yes}, and the bucket to empty is ${bucket}`)
    }
    const request = {
      bucket,
      deleteBucket: flags['delete-bucket'],
      versions: flags.yes === undefined ? versions : ('delete' as const),
    }
    const connection = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const { store, endpoint } = connection
    // A bare name may be another bucket than the one whose keys were seen, and what is deleted is gone.
    if (versions !== undefined) {
      await checkBucketOwner(connection, { bucket, knownKeysFile: knownKeysFile() }, this.signal)
    }
    const closed = await closeBucket(store, request, this.signal)
    await rememberAccess(accessHistoryFile(), { endpoint, bucket, what: 'closed' }, this.telling.onNotice)
    return closed
  }

  protected override failures(result: CloseBucketResult): readonly PartialFailure[] {
    return result.failed
  }

  protected override toText(result: CloseBucketResult): string {
    const place = `s3://${printable(result.bucket)}`
    return lines(
      result.projects.length === 0
        ? `nobody else had access to ${place}`
        : `shut out of ${place}: ${printable(result.projects.join(', '))}`,
      shutOutText(result),
      versionsText(result),
      result.deleted
        ? `deleted ${place}, which was empty`
        : `kept ${count(result.kept.count, 'object')}, ${formatByteSize(result.kept.bytes)}`,
    )
  }
}

function versionsText({ bucket, ownerId, versions }: CloseBucketResult): string | undefined {
  if (versions === undefined) return undefined
  const { objects, olderVersions, deleteMarkers, bytes, deleted } = versions
  const what = [
    count(objects, 'object'),
    count(olderVersions, 'older version'),
    count(deleteMarkers, 'delete marker'),
  ].join(', ')
  return deleted
    ? `deleted for good: ${what}, ${formatByteSize(bytes)}`
    : printable(
        `would delete ${what}, ${formatByteSize(bytes)}: in the bucket of ${ownerId}: repeat with --yes ${bucket}`,
      )
}
