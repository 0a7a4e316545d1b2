import * as Flags from '@oclif/core/flags'
import { limitsOf } from '../../cli/access-table.ts'
import { SealiftCommand } from '../../cli/base-command.ts'
import { grantFlags, requiredArg } from '../../cli/flags.ts'
import { addressLines } from '../../cli/grant-text.ts'
import { printable } from '../../cli/printable.ts'
import { lines, table } from '../../cli/report.ts'
import { accessHistoryFile, projectBookFile } from '../../cli/settings.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { OpenBucketResult } from '../../workflows/open-bucket.ts'

export default class BucketOpen extends SealiftCommand<OpenBucketResult> {
  static override summary = 'make a bucket that another project can deliver into'
  static override description = `Creates the bucket, keeps overwritten versions where the server can, publishes your keys in it, and lets the project in.
Everything is read back; what the server does not keep is an error.`
  static override examples = [
    {
      description: 'let a sequencing centre deliver for two weeks',
      command:
        '<%= config.bin %> bucket open animine-data-import-1 --for project_2000111 --key animine.pub --until 14d',
    },
  ]
  static override args = { BUCKET: requiredArg('name of the new bucket') }
  static override flags = {
    for: Flags.string({
      description: 'project to let in: its name in the address book, or a typed identity such as rgw:UID',
      helpValue: 'PROJECT',
      required: true,
    }),
    ...grantFlags,
    key: Flags.string({
      description: 'public key file to publish in the bucket; may be repeated',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    reuse: Flags.boolean({ description: 'go on with a bucket that is yours already' }),
    ...storeFlags,
  }

  protected override async perform(): Promise<OpenBucketResult> {
    const { args, flags } = await this.parse(BucketOpen)
    const [
      { connect },
      { parseBucket },
      { parseUntil },
      { resolveProject },
      { openBucket },
      { rememberAccess },
    ] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/until.ts'),
      import('../../workflows/project-book.ts'),
      import('../../workflows/open-bucket.ts'),
      import('../../workflows/remember-access.ts'),
    ])
    const bucket = parseBucket(args.BUCKET)
    const until = flags.until === undefined ? undefined : parseUntil(flags.until)
    const project = await resolveProject(projectBookFile(), flags.for)
    const { store, endpoint } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const terms = { role: flags.role, until, prefix: flags.prefix, fromIp: flags['from-ip'] }
    const request = { bucket, project, terms, keyFiles: flags.key ?? [], reuse: flags.reuse }
    const opened = await openBucket(store, request, this.signal)
    const { identity, role, until: ends } = opened.grant
    const event = { endpoint, bucket, what: 'opened' as const, identity, role, until: ends }
    await rememberAccess(accessHistoryFile(), event, this.telling.onNotice)
    return opened
  }

  protected override toText({ bucket, created, versioning, keys, grant }: OpenBucketResult): string {
    return lines(
      `bucket   s3://${printable(bucket)} ${created ? 'created' : 'used again'}; versions ${versioning === 'enabled' ? 'are kept' : `are not kept (${versioning})`}`,
      keys.length === 0
        ? 'keys     none published: senders need the key file from you'
        : table(
            keys.map(({ objectKey, fingerprints }, index) => [
              index === 0 ? 'keys   ' : '',
              objectKey,
              fingerprints.join(' '),
            ]),
          ),
      `access   ${printable([`${grant.project} (${grant.identity}) as ${grant.role}`, limitsOf(grant)].filter(Boolean).join(', '))}`,
      ...addressLines(grant).map((line) => `         ${line}`),
    )
  }
}
