import { accessTable } from '../../cli/access-table.ts'
import { SealiftCommand } from '../../cli/base-command.ts'
import { requiredArg } from '../../cli/flags.ts'
import { printable } from '../../cli/printable.ts'
import { lines } from '../../cli/report.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { ShowAccessResult } from '../../workflows/show-access.ts'

export default class AccessShow extends SealiftCommand<ShowAccessResult> {
  static override summary = 'show who may do what in a bucket'
  static override description = "Reads the bucket's policy and ACL; what is no role of ours is spelled out."
  static override examples = [
    { description: 'who has access', command: '<%= config.bin %> access show animine-data-import-1' },
  ]
  static override args = { BUCKET: requiredArg('name of your bucket') }
  static override flags = storeFlags

  protected override async perform(): Promise<ShowAccessResult> {
    const { args, flags } = await this.parse(AccessShow)
    const [{ connect }, { parseBucket }, { showAccess }] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/show-access.ts'),
    ])
    const bucket = parseBucket(args.BUCKET)
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    return showAccess(store, { bucket }, this.signal)
  }

  protected override toText({ bucket, ownerId, mechanism, access }: ShowAccessResult): string {
    return lines(
      printable(`s3://${bucket}, owner ${ownerId}, by ${mechanism}`),
      access.length === 0 ? '  nobody else has access' : accessTable(access),
    )
  }
}
