import { CopyCommand } from '../cli/copy-command.ts'
import { copyArgs, copyFlags } from '../cli/copy-flags.ts'
import { copiesFolder, knownKeysFile } from '../cli/settings.ts'
import { keepHeapSmall } from '../cli/small-heap.ts'
import { storeSettings } from '../cli/store-flags.ts'
import type { CopiedEntry } from '../workflows/copy-objects.ts'
import type { MoveObjectsResult } from '../workflows/move-objects.ts'

interface MvResult extends MoveObjectsResult {
  seconds: number
  /** Each object; without --json none of more than a hundred. */
  entries: CopiedEntry[]
}

export default class Mv extends CopyCommand<MvResult> {
  static override summary = 'move or rename objects within the store, on the server'
  static override description = `Each object is copied on the server and checked, and then its source is deleted, if it is still what was copied: at every moment it is at one place or at both. When it was stopped, the same command goes on.
Where the bucket keeps versions, what was moved stays readable there as an older version: \`rm --versions\` deletes it for good.
Nothing that is there is replaced without --force. Published keys (keys/NAME.pub) stay where they are, unless they are named.`
  static override examples = [
    {
      description: 'move one delivered run out of the import bucket',
      command: '<%= config.bin %> mv s3://animine-data-import-1/run_12/ s3://animine-archive/run_12/',
    },
    {
      description: 'rename an object',
      command:
        '<%= config.bin %> mv s3://animine-archive/run_12/reads.bam.c4gh s3://animine-archive/run_12/sample_7.bam.c4gh',
    },
  ]
  static override args = copyArgs
  static override flags = copyFlags

  protected override readonly verb = 'move'

  protected override async perform(): Promise<MvResult> {
    const { args, flags } = await this.parse(Mv)
    keepHeapSmall()
    const [{ connect }, { parseCopyPlaces }, { moveObjects }, { checkBucketOwner }] = await Promise.all([
      import('../workflows/connect.ts'),
      import('../workflows/copy-objects.ts'),
      import('../workflows/move-objects.ts'),
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
    const result = await moveObjects(connection.store, request, this.signal)
    return { ...result, seconds: (performance.now() - started) / 1000, entries }
  }
}
