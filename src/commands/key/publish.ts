import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../../cli/base-command.ts'
import { requiredArg } from '../../cli/flags.ts'
import { lines } from '../../cli/report.ts'
import { printable } from '../../cli/printable.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { PublishKeyResult } from '../../workflows/publish-key.ts'

export default class KeyPublish extends SealiftCommand<PublishKeyResult> {
  static override summary = 'put a public key into a bucket, where senders find it'
  static override description =
    'Stores the key as keys/NAME.pub. Senders use it with `upload --to-bucket-keys`, if the bucket and the key have the same owner. A key that is there under the same name is not replaced.'
  static override examples = [
    {
      description: 'publish the key of the group',
      command: '<%= config.bin %> key publish animine.pub s3://animine-data-import-1',
    },
  ]
  static override args = {
    FILE: requiredArg('public key file'),
    BUCKET: requiredArg('your bucket, as s3://BUCKET or its name'),
  }
  static override flags = {
    name: Flags.string({ description: "name in the bucket (default: the file's)", helpValue: 'NAME' }),
    ...storeFlags,
  }

  protected override async perform(): Promise<PublishKeyResult> {
    const { args, flags } = await this.parse(KeyPublish)
    const [{ connect }, { parseBucket }, { publishKey }] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/publish-key.ts'),
    ])
    const bucket = parseBucket(args.BUCKET)
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    return publishKey(store, { bucket, file: args.FILE, name: flags.name }, this.signal)
  }

  protected override toText({ bucket, objectKey, fingerprints, state }: PublishKeyResult): string {
    const place = printable(`s3://${bucket}/${objectKey}`)
    return lines(
      state === 'published' ? `published at ${place}` : `already published at ${place}`,
      ...fingerprints.map((fingerprint) => `  ${fingerprint}`),
    )
  }
}
