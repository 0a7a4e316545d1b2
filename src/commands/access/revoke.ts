import * as Flags from '@oclif/core/flags'
import { shutOutText } from '../../cli/shut-out-text.ts'
import { SealiftCommand } from '../../cli/base-command.ts'
import { requiredArg } from '../../cli/flags.ts'
import { printable } from '../../cli/printable.ts'
import { lines } from '../../cli/report.ts'
import { projectBookFile } from '../../cli/settings.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { RevokeResult } from '../../workflows/revoke-access.ts'

export default class AccessRevoke extends SealiftCommand<RevokeResult> {
  static override summary = 'shut a project out of a bucket, and prove it'
  static override description =
    'Removes its policy statements and grants on bucket and objects, aborts its unfinished uploads, reads everything back, and fails if any way in remains.'
  static override examples = [
    {
      description: 'end a delivery',
      command: '<%= config.bin %> access revoke animine-data-import-1 --project project_2000111',
    },
  ]
  static override args = { BUCKET: requiredArg('name of your bucket') }
  static override flags = {
    project: Flags.string({
      description: 'its name in the address book, or a typed identity such as rgw:UID',
      helpValue: 'PROJECT',
      required: true,
    }),
    ...storeFlags,
  }

  protected override async perform(): Promise<RevokeResult> {
    const { args, flags } = await this.parse(AccessRevoke)
    const [{ connect }, { parseBucket }, { resolveProject }, { revokeAccess }] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/project-book.ts'),
      import('../../workflows/revoke-access.ts'),
    ])
    const bucket = parseBucket(args.BUCKET)
    const project = await resolveProject(projectBookFile(), flags.project)
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    return revokeAccess(store, { bucket, project }, this.signal)
  }

  protected override toText(result: RevokeResult): string {
    return lines(
      printable(`${result.project} (${result.identity}) is shut out of s3://${result.bucket}`),
      shutOutText(result),
    )
  }
}
