import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../../cli/base-command.ts'
import { requiredArg } from '../../cli/flags.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import { verifyText } from '../../cli/verify-text.ts'
import type { VerifyAccessResult } from '../../workflows/verify-access.ts'

const profileFlag = { helpValue: 'PROFILE', multiple: true, multipleNonGreedy: true } as const

export default class AccessVerify extends SealiftCommand<VerifyAccessResult> {
  static override summary = 'try whether a bucket lets in whom it should, and nobody else'
  static override description =
    'Tries every operation as its owner, with the credentials of others and without any, on throw-away objects below .sealift-probe/, and compares the answers with what policy and ACL grant.'
  static override examples = [
    {
      description: 'with the credentials of a project that was let in and of one that was not',
      command: '<%= config.bin %> access verify animine-data-import-1 --as producer --outsider other',
    },
  ]
  static override args = { BUCKET: requiredArg('name of your bucket') }
  static override flags = {
    as: Flags.string({
      ...profileFlag,
      description: 'profile with the credentials of a project that was let in; may be repeated',
    }),
    outsider: Flags.string({
      ...profileFlag,
      description: 'profile with the credentials of a project that was not let in; may be repeated',
    }),
    ...storeFlags,
  }

  protected override async perform(): Promise<VerifyAccessResult> {
    const { args, flags } = await this.parse(AccessVerify)
    const [
      { connect },
      { parseBucket },
      { connectAnonymous, connectSecond },
      { AccessDeviatesError, verifyAccess },
    ] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/second-caller.ts'),
      import('../../workflows/verify-access.ts'),
    ])
    const bucket = parseBucket(args.BUCKET)
    const request = { ...storeSettings(flags), ...this.telling }
    const connection = this.closing(await connect(request))
    const second = async (profile: string) =>
      this.closing(await connectSecond(request, connection, profile, this.signal))
    const grantees = await Promise.all((flags.as ?? []).map(second))
    const outsiders = await Promise.all((flags.outsider ?? []).map(second))
    const anonymous = this.closing(await connectAnonymous(request, connection))
    const callers = { grantees, outsiders, anonymous }
    try {
      return await verifyAccess(connection.store, { bucket, ...callers }, this.signal)
    } catch (error) {
      if (error instanceof AccessDeviatesError) this.line(verifyText(error.result))
      throw error
    }
  }

  protected override toText(result: VerifyAccessResult): string {
    return verifyText(result)
  }
}
