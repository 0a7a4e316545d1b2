import * as Flags from '@oclif/core/flags'
import { SealiftCommand, type PartialFailure } from '../../cli/base-command.ts'
import { ageFlag, someArg } from '../../cli/flags.ts'
import { printable } from '../../cli/printable.ts'
import { count, formatAge, lines, table } from '../../cli/report.ts'
import { transfersFolder } from '../../cli/settings.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import { wrongWords } from '../../cli/usage-error.ts'
import type { AbortedTransfer, AbortTransfersResult } from '../../workflows/abort-transfer.ts'
import type { Connection } from '../../workflows/connect.ts'
import type { OrphanedUploadsResult } from '../../workflows/orphaned-uploads.ts'

/** Of transfers of this machine, or of the old uploads of a bucket. */
export type TransferAbortResult = AbortTransfersResult | OrphanedUploadsResult

interface AbortFlags {
  all: boolean
  'older-than'?: number | undefined
  'dry-run'?: boolean | undefined
}

export default class TransferAbort extends SealiftCommand<TransferAbortResult> {
  static override summary = 'give unfinished transfers up'
  static override description = `Named by id: aborts the uploads the transfer has begun, removes its partial files and its journal. Finished objects and files stay.
Named by bucket: aborts every unfinished upload in it that is older than --older-than, except those a transfer of this machine is sending.`
  static override examples = [
    { description: 'drop one of `transfer list`', command: '<%= config.bin %> transfer abort 3f9a2c' },
    {
      description: 'free what was left behind in a bucket for a week or more',
      command: '<%= config.bin %> transfer abort s3://animine-data-import-1 --older-than 7d',
    },
  ]
  static override args = {
    TRANSFER: someArg('ids or their beginnings, or one s3://BUCKET or s3://BUCKET/PREFIX'),
  }
  static override flags = {
    all: Flags.boolean({ description: 'all unfinished transfers of this machine', default: false }),
    'older-than': ageFlag({ description: 'of a bucket: only uploads begun so long ago (90m, 12h, 7d)' }),
    'dry-run': Flags.boolean({
      description: 'of a bucket: only say what would be aborted',
      dependsOn: ['older-than'],
    }),
    ...storeFlags,
  }

  protected override async perform(): Promise<TransferAbortResult> {
    const { args, flags } = await this.parse(TransferAbort)
    const words = args.TRANSFER ?? []
    const address = words.find((word) => word.startsWith('s3://'))
    const { connect } = await import('../../workflows/connect.ts')
    const connectStore = async () => this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    if (address === undefined) return this.#abortTransfers(words, flags, connectStore)
    if (words.length > 1 || flags.all) throw wrongWords('name one bucket, and nothing else')
    return this.#abortOrphans(address, flags, connectStore)
  }

  async #abortTransfers(
    ids: readonly string[],
    flags: AbortFlags,
    connectStore: () => Promise<Connection>,
  ): Promise<AbortTransfersResult> {
    if (flags['older-than'] !== undefined) throw wrongWords('--older-than is for the uploads of a bucket')
    if (flags.all === ids.length > 0) throw wrongWords('name transfers, or give --all')
    const { abortTransfers } = await import('../../workflows/abort-transfer.ts')
    return abortTransfers({
      stateFolder: transfersFolder(),
      ids: flags.all ? undefined : ids,
      connect: connectStore,
      signal: this.signal,
    })
  }

  async #abortOrphans(
    address: string,
    flags: AbortFlags,
    connectStore: () => Promise<Connection>,
  ): Promise<OrphanedUploadsResult> {
    const [{ parseS3Url }, { abortOrphanedUploads }] = await Promise.all([
      import('../../workflows/s3-url.ts'),
      import('../../workflows/orphaned-uploads.ts'),
    ])
    const { bucket, objectKey: prefix } = parseS3Url(address)
    const olderThan = flags['older-than']
    if (olderThan === undefined) {
      throw wrongWords(
        'uploads of a bucket are aborted by age: somebody may be sending the newer ones',
        'add --older-than 7d',
      )
    }
    const request = {
      bucket,
      prefix,
      olderThan,
      dryRun: flags['dry-run'] === true,
      stateFolder: transfersFolder(),
    }
    const { store } = await connectStore()
    return abortOrphanedUploads(store, request, this.signal)
  }

  protected override failures(result: TransferAbortResult): readonly PartialFailure[] {
    return result.failed
  }

  protected override toText(result: TransferAbortResult): string {
    return 'bucket' in result ? orphansText(result) : transfersText(result)
  }
}

function transfersText({ aborted }: AbortTransfersResult): string {
  if (aborted.length === 0) return 'no unfinished transfers'
  return lines(...aborted.map(abortedText))
}

function abortedText({ id, uploads, partialFiles, damaged }: AbortedTransfer): string {
  const parts = [
    ...(uploads.length > 0 ? [`aborted ${count(uploads.length, 'unfinished upload')}`] : []),
    ...(partialFiles.length > 0 ? [`removed ${count(partialFiles.length, 'partial file')}`] : []),
    damaged
      ? 'removed its damaged journal; `sealift transfer list s3://BUCKET` shows uploads it may have left'
      : 'removed its journal',
  ]
  return `${id}: ${parts.join(', ')}`
}

function orphansText({ bucket, dryRun, aborted, running }: OrphanedUploadsResult): string {
  const left = running.length === 0 ? '' : `; left ${running.length} that a transfer here is sending`
  return lines(
    aborted.length === 0
      ? undefined
      : table(
          aborted.map(({ objectKey, initiatedAt, uploadId }) => [
            `s3://${bucket}/${objectKey}`,
            formatAge(initiatedAt),
            uploadId,
          ]),
        ),
    printable(
      `${dryRun ? 'would abort' : 'aborted'} ${count(aborted.length, 'upload')} in s3://${bucket}${left}`,
    ),
  )
}
