import { SealiftCommand } from '../cli/base-command.ts'
import { requiredArg } from '../cli/flags.ts'
import { count, formatByteSize, formatTime } from '../cli/report.ts'
import { printable } from '../cli/printable.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'

export interface LsResult {
  bucket: string
  prefix: string
  objects: { objectKey: string; size: number; lastModified: Date | undefined; etag: string }[]
  count: number
  totalSize: number
}

/** The widest size formatByteSize gives: `1023 KiB`. */
const SIZE_WIDTH = 8

export default class Ls extends SealiftCommand<LsResult> {
  static override summary = 'list the objects of a bucket or prefix'
  static override description =
    'Size, time of upload in UTC and object key, as they come, in the order of the keys.'
  static override examples = [
    { description: 'all of a bucket', command: '<%= config.bin %> ls s3://animine-data-import-1/' },
    {
      description: 'one delivered run, for a script',
      command: '<%= config.bin %> ls s3://animine-data-import-1/run_12/ --json',
    },
  ]
  static override args = { PLACE: requiredArg('s3://BUCKET or s3://BUCKET/PREFIX') }
  static override flags = storeFlags

  protected override async perform(): Promise<LsResult> {
    const { args, flags } = await this.parse(Ls)
    const [{ connect }, { parseS3Url }, { listObjects }] = await Promise.all([
      import('../workflows/connect.ts'),
      import('../workflows/s3-url.ts'),
      import('../workflows/list-objects.ts'),
    ])
    const { bucket, objectKey: prefix } = parseS3Url(args.PLACE)
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const result: LsResult = { bucket, prefix, objects: [], count: 0, totalSize: 0 }
    const keep = this.jsonEnabled()
    for await (const { objectKey, size, lastModified, etag } of listObjects({
      store,
      bucket,
      prefix,
      signal: this.signal,
    })) {
      result.count += 1
      result.totalSize += size
      // Buckets can hold millions: as text, each line is printed and forgotten.
      if (keep) result.objects.push({ objectKey, size, lastModified, etag })
      else
        this.line(
          `${formatByteSize(size).padStart(SIZE_WIDTH)}  ${formatTime(lastModified)}  ${printable(objectKey)}`,
        )
    }
    return result
  }

  protected override toText(result: LsResult): string {
    return `${count(result.count, 'object')}, ${formatByteSize(result.totalSize)}`
  }
}
