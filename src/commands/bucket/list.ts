import { SealiftCommand } from '../../cli/base-command.ts'
import { formatTime, table } from '../../cli/report.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { ListedBucket } from '../../workflows/list-buckets.ts'

export interface BucketListResult {
  buckets: ListedBucket[]
}

export default class BucketList extends SealiftCommand<BucketListResult> {
  static override summary = 'list your own buckets'
  static override description =
    'Buckets that others opened for you are not listed by any store: use their names.'
  static override examples = [
    { description: 'all buckets of a profile', command: '<%= config.bin %> bucket list --profile group' },
  ]
  static override flags = storeFlags

  protected override async perform(): Promise<BucketListResult> {
    const { flags } = await this.parse(BucketList)
    const [{ connect }, { listBuckets }] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/list-buckets.ts'),
    ])
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    return { buckets: await listBuckets(store, this.signal) }
  }

  protected override toText({ buckets }: BucketListResult): string {
    if (buckets.length === 0) return 'no buckets'
    return table(buckets.map(({ bucket, createdAt }) => [bucket, formatTime(createdAt)]))
  }
}
