import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../../cli/base-command.ts'
import { grantFlags, requiredArg } from '../../cli/flags.ts'
import { grantText } from '../../cli/grant-text.ts'
import { accessHistoryFile, projectBookFile } from '../../cli/settings.ts'
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
    {
      description: 'see which statements of the policy would change',
      command:
        '<%= config.bin %> access grant animine-data-import-1 --project project_2000111 --until 14d --dry-run',
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
    'sd-connect': Flags.boolean({
      description: "write it in the form of CSC's SD Connect, whose web interface then shows it",
    }),
    'dry-run': Flags.boolean({ description: 'show what would change, and write nothing' }),
    ...storeFlags,
  }

  protected override async perform(): Promise<GrantResult> {
    const { args, flags } = await this.parse(AccessGrant)
    const [
      { connect },
      { parseBucket },
      { parseUntil },
      { resolveProject },
      { grantAccess },
      { rememberAccess },
    ] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/until.ts'),
      import('../../workflows/project-book.ts'),
      import('../../workflows/grant-access.ts'),
      import('../../workflows/remember-access.ts'),
    ])
    const bucket = parseBucket(args.BUCKET)
    const until = flags.until === undefined ? undefined : parseUntil(flags.until)
    const project = await resolveProject(projectBookFile(), flags.project)
    const { store, endpoint } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const terms = { role: flags.role, until, prefix: flags.prefix, fromIp: flags['from-ip'] }
    const how = { sdConnect: flags['sd-connect'], dryRun: flags['dry-run'] }
    const granted = await grantAccess(store, { bucket, project, terms, ...how }, this.signal)
    if (flags['dry-run']) return granted
    const { identity, role } = granted
    const event = { endpoint, bucket, what: 'granted' as const, identity, role, until: granted.until }
    await rememberAccess(accessHistoryFile(), event, this.telling.onNotice)
    return granted
  }

  protected override toText(result: GrantResult): string {
    return grantText(result)
  }
}
