import * as Flags from '@oclif/core/flags'
import { limitsOf } from '../../cli/access-table.ts'
import { SealiftCommand } from '../../cli/base-command.ts'
import { grantFlags, requiredArg } from '../../cli/flags.ts'
import { printable } from '../../cli/printable.ts'
import { count, lines } from '../../cli/report.ts'
import { projectBookFile } from '../../cli/settings.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { GrantResult } from '../../workflows/grant-access.ts'

export default class AccessGrant extends SealiftCommand<GrantResult> {
  static override summary = 'let a project into a bucket'
  static override description =
    'Gives the project a role, instead of what it had there before, and reads back that the server keeps it.'
  static override examples = [
    {
      description: 'let a partner read one delivered run',
      command:
        '<%= config.bin %> access grant animine-data-import-1 --project project_2000111 --role reader --prefix run_12/',
    },
  ]
  static override args = { BUCKET: requiredArg('name of your bucket') }
  static override flags = {
    project: Flags.string({
      description: 'its name in the address book, or a typed identity such as rgw:UID',
      helpValue: 'PROJECT',
      required: true,
    }),
    ...grantFlags,
    ...storeFlags,
  }

  protected override async perform(): Promise<GrantResult> {
    const { args, flags } = await this.parse(AccessGrant)
    const [{ connect }, { parseBucket }, { parseUntil }, { resolveProject }, { grantAccess }] =
      await Promise.all([
        import('../../workflows/connect.ts'),
        import('../../workflows/s3-url.ts'),
        import('../../workflows/until.ts'),
        import('../../workflows/project-book.ts'),
        import('../../workflows/grant-access.ts'),
      ])
    const bucket = parseBucket(args.BUCKET)
    const until = flags.until === undefined ? undefined : parseUntil(flags.until)
    const project = await resolveProject(projectBookFile(), flags.project)
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const terms = { role: flags.role, until, prefix: flags.prefix, fromIp: flags['from-ip'] }
    return grantAccess(store, { bucket, project, terms }, this.signal)
  }

  protected override toText(result: GrantResult): string {
    const limits = limitsOf(result)
    return lines(
      printable(
        `${result.project} (${result.identity}) is ${result.role} of s3://${result.bucket}${limits === '' ? '' : `, ${limits}`}`,
      ),
      result.mechanism === 'policy'
        ? '  by bucket policy, read back as written'
        : `  by ACL, read back as written; ${count(result.objects ?? 0, 'object')} shared, later ones are not`,
      ...result.public.map(({ who }) => `  warning: the bucket is open to ${printable(who)} as well`),
    )
  }
}
