import { accessTable } from '../../cli/access-table.ts'
import { SealiftCommand } from '../../cli/base-command.ts'
import { requiredArg } from '../../cli/flags.ts'
import { printable } from '../../cli/printable.ts'
import { count, formatByteSize, lines, table } from '../../cli/report.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { ShowBucketResult } from '../../workflows/show-bucket.ts'

export default class BucketShow extends SealiftCommand<ShowBucketResult> {
  static override summary = 'show keys, access, open uploads and contents of a bucket'
  static override description = 'Reads only. `access show` tells more about who may do what.'
  static override examples = [
    {
      description: 'look at an import bucket',
      command: '<%= config.bin %> bucket show animine-data-import-1',
    },
  ]
  static override args = { BUCKET: requiredArg('name of the bucket') }
  static override flags = storeFlags

  protected override async perform(): Promise<ShowBucketResult> {
    const { args, flags } = await this.parse(BucketShow)
    const [{ connect }, { parseBucket }, { showBucket }] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/show-bucket.ts'),
    ])
    const bucket = parseBucket(args.BUCKET)
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    return showBucket(store, { bucket }, this.signal)
  }

  protected override toText(result: ShowBucketResult): string {
    const { keys, keyProblem, access, uploads, objects } = result
    return lines(
      `bucket      s3://${printable(result.bucket)}, owner ${printable(result.ownerId)}`,
      `versioning  ${result.versioning}`,
      `objects     ${count(objects.count, 'object')}, ${formatByteSize(objects.bytes)}`,
      keys.length === 0 ? 'keys        none' : 'keys',
      keys.length === 0 ? undefined : table(keys.map((key) => [`  ${key.objectKey}`, key.fingerprint])),
      keyProblem === undefined ? undefined : `  not usable: ${printable(keyProblem)}`,
      access.length === 0 ? 'access      nobody else' : `access      by ${result.mechanism}`,
      access.length === 0 ? undefined : accessTable(access),
      uploads.length === 0 ? 'uploads     none unfinished' : 'uploads     unfinished',
      uploads.length === 0
        ? undefined
        : table(uploads.map(({ objectKey, initiatedAt }) => [`  ${objectKey}`, initiatedAt ?? ''])),
    )
  }
}
