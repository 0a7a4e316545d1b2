import * as Flags from '@oclif/core/flags'
import { SealiftCommand, type PartialFailure } from '../cli/base-command.ts'
import { canAsk, confirmed } from '../cli/confirm.ts'
import { progressFlag, requiredArg } from '../cli/flags.ts'
import { removalQuestion, removalText, removedLine } from '../cli/remove-text.ts'
import { knownKeysFile } from '../cli/settings.ts'
import { keepHeapSmall } from '../cli/small-heap.ts'
import { sourceFlags } from '../cli/source-flags.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import { wrongWords } from '../cli/usage-error.ts'
import type { RemovedEntry, RemoveObjectsResult } from '../workflows/remove-objects.ts'

interface RmResult extends RemoveObjectsResult {
  /** Each object or version that was deleted, or would be; with --json alone. */
  entries?: RemovedEntry[]
}

/** What a question is worth asking for. */
interface Counted {
  objects: number
  olderVersions: number
  deleteMarkers: number
  bytes: number
}

export default class Rm extends SealiftCommand<RmResult> {
  static override summary = 'delete an object, or all below a prefix'
  static override description = `At a terminal it asks before more than one object goes, and before anything goes for good; elsewhere --yes is needed for that.
In a bucket that keeps versions a deleted object stays readable as an older version, and the command says how much that is: --versions deletes for good.
What is delivered after the objects were counted stays, and so do published keys (keys/NAME.pub), unless they are named. Buckets are deleted by \`bucket close\` alone.`
  static override examples = [
    {
      description: 'delete one object',
      command: '<%= config.bin %> rm s3://animine-data-import-1/run_12/reads.fastq.c4gh',
    },
    {
      description: 'see what would go',
      command: '<%= config.bin %> rm s3://animine-data-import-1/run_12/ --recursive --dry-run',
    },
    {
      description: 'free the space of what was overwritten or deleted before',
      command: '<%= config.bin %> rm s3://animine-data-import-1/ --recursive --older-versions --yes',
    },
  ]
  static override args = {
    PLACE: requiredArg('s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ with --recursive'),
  }
  static override flags = {
    recursive: Flags.boolean({ char: 'r', description: 'all below an address that ends in a slash' }),
    versions: Flags.boolean({
      description: 'every version and delete marker, for good',
      exclusive: ['older-versions'],
    }),
    'older-versions': Flags.boolean({
      description: 'for good, all versions but the newest, and what lies below delete markers',
    }),
    include: sourceFlags.include,
    exclude: sourceFlags.exclude,
    keys: Flags.boolean({ description: 'published keys (keys/NAME.pub) as well' }),
    'dry-run': Flags.boolean({ description: 'delete nothing: list what would go' }),
    yes: Flags.boolean({ description: 'do not ask' }),
    concurrency: Flags.integer({
      description: 'objects at work at the same time (default: 16)',
      min: 1,
      max: 64,
    }),
    progress: progressFlag,
    ...storeFlags,
  }

  protected override async perform(): Promise<RmResult> {
    const { args, flags } = await this.parse(Rm)
    keepHeapSmall()
    const [{ connect }, { parseS3Url }, { removeObjects }, { checkBucketOwner }] = await Promise.all([
      import('../workflows/connect.ts'),
      import('../workflows/s3-url.ts'),
      import('../workflows/remove-objects.ts'),
      import('../workflows/bucket-owner.ts'),
    ])
    const place = parseS3Url(args.PLACE)
    const versions = flags.versions ? 'all' : flags['older-versions'] ? 'older' : undefined
    const isSilent = flags.yes || flags['dry-run']
    if (!isSilent && !canAsk() && (flags.recursive || versions !== undefined)) {
      throw wrongWords(
        'nobody can be asked here whether all of that shall be deleted',
        'give --yes, or see what it is with --dry-run',
      )
    }
    const connection = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    // A bare name may be another bucket than the one whose keys were seen, and what is deleted is gone.
    const { bucket } = place
    await checkBucketOwner(connection, { bucket, knownKeysFile: knownKeysFile() }, this.signal)
    const entries: RemovedEntry[] = []
    const confirm = async (counted: Counted): Promise<void> => {
      const number = counted.objects + counted.olderVersions + counted.deleteMarkers
      if (number < 2 && versions === undefined) return
      await confirmed(removalQuestion(args.PLACE, versions ?? 'newest', counted), 'nothing was deleted')
    }
    const result = await removeObjects(
      connection.store,
      {
        place,
        recursive: flags.recursive,
        versions,
        include: flags.include,
        exclude: flags.exclude,
        keys: flags.keys,
        dryRun: flags['dry-run'],
        concurrency: flags.concurrency,
        confirm: isSilent ? undefined : confirm,
        onRemoved: (entry) => {
          if (this.jsonEnabled()) entries.push(entry)
          else if (flags['dry-run']) this.line(removedLine(entry))
        },
        onProgress: flags['dry-run'] ? undefined : await this.progress(flags.progress),
      },
      this.signal,
    )
    return this.jsonEnabled() ? { ...result, entries } : result
  }

  protected override failures(result: RmResult): readonly PartialFailure[] {
    return result.failed
  }

  protected override toText(result: RmResult): string {
    return removalText(result)
  }
}
