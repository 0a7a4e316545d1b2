import * as Flags from '@oclif/core/flags'
import { auditText, damagedHistory } from '../../cli/audit-text.ts'
import { SealiftCommand, type PartialFailure } from '../../cli/base-command.ts'
import { someArg } from '../../cli/flags.ts'
import { knownPlaces } from '../../cli/settings.ts'
import { keepHeapSmall } from '../../cli/small-heap.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { AuditRequest, AuditResult, AuditState } from '../../workflows/audit-access.ts'
import type { FindingKind } from '../../workflows/bucket-findings-list.ts'

const KINDS = ['public', 'expired', 'unreadable', 'unknown', 'uploads'] as const satisfies FindingKind[]

/** Milliseconds between two notes on how far it is. */
const NOTE_INTERVAL = 10_000

export default class AccessAudit extends SealiftCommand<AuditResult> {
  static override summary = 'show who can do what in all your buckets'
  static override description =
    'Reads policies, ACLs of buckets and objects, and unfinished uploads, and says what should not go unnoticed. Nothing is changed. A bucket that cannot be looked at does not keep the others from it.'
  static override examples = [
    { description: 'all buckets, every object', command: '<%= config.bin %> access audit' },
    {
      description: 'from cron: exit code 15 when somebody should look',
      command: '<%= config.bin %> access audit --quiet --fail-on public,expired,unreadable',
    },
  ]
  static override args = { BUCKET: someArg('names of buckets; all of yours when left out') }
  static override flags = {
    objects: Flags.boolean({
      description: 'look at the ACL of every object, a request for each',
      default: true,
      allowNo: true,
    }),
    'fail-on': Flags.option({
      options: KINDS,
      multiple: true,
      delimiter: ',',
      description: 'fail when there is any of these',
      helpValue: KINDS.join(','),
    })(),
    ...storeFlags,
  }

  protected override async perform(): Promise<AuditResult> {
    const { args, flags } = await this.parse(AccessAudit)
    keepHeapSmall()
    const [{ connect }, { parseBucket }, { auditAccess, AuditFailedError }, { readKnownHere }] =
      await Promise.all([
        import('../../workflows/connect.ts'),
        import('../../workflows/s3-url.ts'),
        import('../../workflows/audit-access.ts'),
        import('../../workflows/bucket-findings-known.ts'),
      ])
    const buckets = (args.BUCKET ?? []).map(parseBucket)
    const { store, endpoint } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const known = await readKnownHere({ ...knownPlaces(), endpoint })
    if (known.damagedLines > 0) this.note(damagedHistory(known.damagedLines))
    const request: AuditRequest = {
      buckets,
      endpoint,
      withObjects: flags.objects,
      known,
      failOn: flags['fail-on'] ?? [],
      onLooked: this.#counting(),
    }
    try {
      return await auditAccess(store, request, this.signal)
    } catch (error) {
      // What was found is the result, and is printed where results are.
      if (error instanceof AuditFailedError) this.line(auditText(error.result))
      throw error
    }
  }

  /** Says now and then how far it is, where somebody waits. */
  #counting(): ((state: AuditState) => void) | undefined {
    if (!process.stderr.isTTY) return undefined
    let saidAt = Date.now()
    return ({ buckets, doneBuckets, bucket, doneObjects }) => {
      if (Date.now() - saidAt < NOTE_INTERVAL) return
      saidAt = Date.now()
      this.note(`${doneBuckets} of ${buckets} buckets, ${doneObjects} objects; now s3://${bucket}`)
    }
  }

  protected override failures(result: AuditResult): readonly PartialFailure[] {
    return result.failed
  }

  protected override toText(result: AuditResult): string {
    return auditText(result)
  }
}
