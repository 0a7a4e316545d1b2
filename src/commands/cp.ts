import { CopyCommand } from '../cli/copy-command.ts'
import { copyArgs, copyFlags } from '../cli/copy-flags.ts'
import { copiesFolder, knownKeysFile } from '../cli/settings.ts'
import { keepHeapSmall } from '../cli/small-heap.ts'
import { storeSettings } from '../cli/store-flags.ts'
import type { CopiedEntry, CopyObjectsResult } from '../workflows/copy-objects.ts'

interface CpResult extends CopyObjectsResult {
  seconds: number
  /** Each object; without --json none of more than a hundred. */
  entries: CopiedEntry[]
}

export default class Cp extends CopyCommand<CpResult> {
  static override summary = 'copy objects within the store, on the server'
  static override description = `No byte comes to this machine, whatever the size; metadata, tags and grants come along, and each copy is checked.
Nothing that is there is replaced without --force. When it was stopped, the same command goes on: copies that are there already are not made again.
The copies are sealed for the readers of the originals: \`rekey\` changes that.`
  static override examples = [
    {
      description: 'copy one delivered run into another bucket',
      command: '<%= config.bin %> cp s3://animine-data-import-1/run_12/ s3://animine-archive/run_12/',
    },
    {
      description: 'copy one object under its own name',
      command:
        '<%= config.bin %> cp s3://animine-data-import-1/run_12/reads.bam.c4gh s3://animine-archive/bam/',
    },
  ]
  static override args = copyArgs
  static override flags = copyFlags

  protected override readonly verb = 'copy'

  protected override async perform(): Promise<CpResult> {
    const { args, flags } = await this.parse(Cp)
    keepHeapSmall()
    const [{ connect }, { copyObjects, parseCopyPlaces }, { checkBucketOwner }] = await Promise.all([
      import('../workflows/connect.ts'),
      import('../workflows/copy-objects.ts'),
      import('../workflows/bucket-owner.ts'),
    ])
    const started = performance.now()
    const places = parseCopyPlaces(args.SOURCE, args.TARGET)
    const connection = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    // A bare name may be another bucket than the one whose keys were seen.
    for (const { bucket } of [places.source, places.target]) {
      await checkBucketOwner(connection, { bucket, knownKeysFile: knownKeysFile() }, this.signal)
    }
    const entries: CopiedEntry[] = []
    const request = {
      ...places,
      ...(await this.asked(flags, entries)),
      records: { folder: copiesFolder(), endpoint: connection.endpoint },
    }
    const result = await copyObjects(connection.store, request, this.signal)
    return { ...result, seconds: (performance.now() - started) / 1000, entries }
  }
}
