import * as Flags from '@oclif/core/flags'
import { bucketText, damagedHistory } from '../../cli/audit-text.ts'
import { SealiftCommand } from '../../cli/base-command.ts'
import { requiredArg } from '../../cli/flags.ts'
import { knownPlaces } from '../../cli/settings.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { BucketFindings } from '../../workflows/bucket-findings.ts'

export default class AccessShow extends SealiftCommand<BucketFindings> {
  static override summary = 'show who may do what in a bucket'
  static override description =
    "Reads the bucket's policy, its ACL and its unfinished uploads; what is no role of ours is spelled out. Nothing is changed."
  static override examples = [
    { description: 'who has access', command: '<%= config.bin %> access show animine-data-import-1' },
    {
      description: 'also by the ACLs of single objects, and which of them you cannot read',
      command: '<%= config.bin %> access show animine-data-import-1 --objects',
    },
  ]
  static override args = { BUCKET: requiredArg('name of your bucket') }
  static override flags = {
    objects: Flags.boolean({ description: 'look at the ACL of every object as well: a request for each' }),
    ...storeFlags,
  }

  protected override async perform(): Promise<BucketFindings> {
    const { args, flags } = await this.parse(AccessShow)
    const [{ connect }, { parseBucket }, { bucketFindings }, { readKnownHere }] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/bucket-findings.ts'),
      import('../../workflows/bucket-findings-known.ts'),
    ])
    const bucket = parseBucket(args.BUCKET)
    const { store, endpoint } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const known = await readKnownHere({ ...knownPlaces(), endpoint })
    if (known.damagedLines > 0) this.note(damagedHistory(known.damagedLines))
    return bucketFindings(store, { bucket, withObjects: flags.objects, known }, this.signal)
  }

  protected override toText(result: BucketFindings): string {
    return bucketText(result)
  }
}
