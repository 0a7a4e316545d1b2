import * as Flags from '@oclif/core/flags'
import { SealiftCommand, type PartialFailure } from '../../cli/base-command.ts'
import { progressFlag, requiredArg } from '../../cli/flags.ts'
import { printable } from '../../cli/printable.ts'
import { count, formatByteSize, lines, table } from '../../cli/report.ts'
import { accessHistoryFile, adoptionsFolder } from '../../cli/settings.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { AdoptResult } from '../../workflows/adopt-objects.ts'

export default class AccessAdopt extends SealiftCommand<AdoptResult> {
  static override summary = 'take over objects in your bucket that belong to who uploaded them'
  static override description =
    'On Ceph an object belongs to its uploader, who keeps reading it. Each is copied onto itself on the server and checked; it is there at every moment. Given again, the command goes on with what is left. Versions before the copy are kept and still belong to the uploader: `access revoke` denies it those.'
  static override examples = [
    {
      description: 'see what belongs to others',
      command: '<%= config.bin %> access adopt animine-data-import-1 --dry-run',
    },
    {
      description: 'take over one delivered run',
      command: '<%= config.bin %> access adopt animine-data-import-1 --prefix run_12/',
    },
  ]
  static override args = { BUCKET: requiredArg('name of your bucket') }
  static override flags = {
    prefix: Flags.string({
      description: 'only objects whose keys begin so, such as run_12/',
      helpValue: 'PREFIX',
    }),
    'dry-run': Flags.boolean({ description: 'only show what would be taken over' }),
    concurrency: Flags.integer({
      description: 'objects at work at the same time (default: 8)',
      min: 1,
      max: 64,
    }),
    progress: progressFlag,
    ...storeFlags,
  }

  protected override async perform(): Promise<AdoptResult> {
    const { args, flags } = await this.parse(AccessAdopt)
    const [{ connect }, { parseBucket }, { adoptObjects }, { rememberAccess }] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/adopt-objects.ts'),
      import('../../workflows/remember-access.ts'),
    ])
    const bucket = parseBucket(args.BUCKET)
    const { store, endpoint } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const request = {
      bucket,
      prefix: flags.prefix,
      dryRun: flags['dry-run'],
      concurrency: flags.concurrency,
      records: { folder: adoptionsFolder(), endpoint },
      onProgress: await this.progress(flags.progress),
    }
    const result = await adoptObjects(store, request, this.signal)
    if (result.dryRun || result.adopted.length === 0) return result
    await rememberAccess(accessHistoryFile(), { endpoint, bucket, what: 'adopted' }, this.telling.onNotice)
    return result
  }

  protected override failures(result: AdoptResult): readonly PartialFailure[] {
    return result.failed
  }

  protected override toText({ bucket, objects, dryRun, foreign, adopted, failed }: AdoptResult): string {
    const place = printable(`s3://${bucket}`)
    if (foreign.length === 0) return `${count(objects, 'object')} in ${place}: none belongs to anybody else`
    const owners = new Map(foreign.map(({ objectKey, ownerId }) => [objectKey, ownerId ?? 'unknown']))
    const refused = new Set(failed.map(({ name }) => name))
    const shown = dryRun ? foreign.filter(({ objectKey }) => !refused.has(objectKey)) : adopted
    const bytes = shown.reduce((sum, { size }) => sum + size, 0)
    const older = adopted.filter(({ olderVersion }) => olderVersion !== undefined)
    return lines(
      ...(shown.length === 0
        ? []
        : [
            table(
              shown.map(({ objectKey, size }) => [
                `  ${objectKey}`,
                formatByteSize(size),
                `of ${owners.get(objectKey) ?? 'unknown'}`,
              ]),
            ),
          ]),
      `${dryRun ? 'would take over' : 'took over'} ${count(shown.length, 'object')}, ${formatByteSize(bytes)}, in ${place}`,
      older.length === 0
        ? undefined
        : `  kept ${count(older.length, 'older version')}, still of ${older.length === 1 ? 'its uploader' : 'their uploaders'}; \`sealift access revoke\` shuts them out of those`,
    )
  }
}
