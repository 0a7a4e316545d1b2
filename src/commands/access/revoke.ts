import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../../cli/base-command.ts'
import { requiredArg } from '../../cli/flags.ts'
import { printable } from '../../cli/printable.ts'
import { lines } from '../../cli/report.ts'
import { accessHistoryFile, projectBookFile } from '../../cli/settings.ts'
import { proofText, shutOutText } from '../../cli/shut-out-text.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { ReportedRevoke } from '../../workflows/report-revoke.ts'
import type { RevokeResult } from '../../workflows/revoke-access.ts'

export default class AccessRevoke extends SealiftCommand<ReportedRevoke> {
  static override summary = 'shut a project out of a bucket, and prove it'
  static override description =
    'Removes its policy statements and grants on bucket and objects, aborts its unfinished uploads, reads everything back, tries to get in, and fails if any way in remains.'
  static override examples = [
    {
      description: 'end a delivery',
      command: '<%= config.bin %> access revoke animine-data-import-1 --project project_2000111',
    },
    {
      description: 'try it with credentials of the project, and keep a signed report',
      command:
        '<%= config.bin %> access revoke animine-data-import-1 --project project_2000111 --as producer --report revoked.json --sign ~/.ssh/id_ed25519',
    },
  ]
  static override args = { BUCKET: requiredArg('name of your bucket') }
  static override flags = {
    project: Flags.string({
      description: 'its name in the address book, or a typed identity such as rgw:UID',
      helpValue: 'PROJECT',
      required: true,
    }),
    as: Flags.string({
      description: 'profile with credentials of the project, to try whether it is refused; may be repeated',
      helpValue: 'PROFILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    report: Flags.string({
      description: 'new file for what was removed, tried and found, as JSON',
      helpValue: 'FILE',
    }),
    sign: Flags.string({
      description: 'SSH key file to sign the report with, into FILE.sig',
      helpValue: 'KEY',
      dependsOn: ['report'],
    }),
    ...storeFlags,
  }

  protected override async perform(): Promise<ReportedRevoke> {
    const { args, flags } = await this.parse(AccessRevoke)
    const [
      { connect },
      { parseBucket },
      { resolveProject },
      { connectAnonymous, connectSecond },
      { reportRevoke },
      { planReport },
      { rememberAccess },
    ] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/project-book.ts'),
      import('../../workflows/second-caller.ts'),
      import('../../workflows/report-revoke.ts'),
      import('../../workflows/revoke-report.ts'),
      import('../../workflows/remember-access.ts'),
    ])
    const bucket = parseBucket(args.BUCKET)
    const project = await resolveProject(projectBookFile(), flags.project)
    const place = flags.report === undefined ? undefined : await planReport(flags.report, flags.sign)
    const request = { ...storeSettings(flags), ...this.telling }
    const connection = this.closing(await connect(request))
    const asProject = await Promise.all(
      (flags.as ?? []).map(async (profile) =>
        this.closing(await connectSecond(request, connection, profile, this.signal)),
      ),
    )
    const anonymous = this.closing(await connectAnonymous(request, connection))
    const provers = { asProject, anonymous }
    const { endpoint } = connection
    const remember = async ({ identity }: RevokeResult): Promise<void> => {
      const event = { endpoint, bucket, what: 'revoked' as const, identity }
      await rememberAccess(accessHistoryFile(), event, this.telling.onNotice)
    }
    return reportRevoke(connection, { bucket, project, provers }, place, remember, this.signal)
  }

  protected override toText(result: ReportedRevoke): string {
    const { report } = result
    return lines(
      printable(`${result.project} (${result.identity}) is shut out of s3://${result.bucket}`),
      shutOutText(result),
      proofText(result),
      report === undefined ? undefined : printable(`report ${report.file}`),
      report?.signature === undefined ? undefined : printable(`signature ${report.signature}`),
    )
  }
}
