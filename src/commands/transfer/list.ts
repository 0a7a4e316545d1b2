import { SealiftCommand } from '../../cli/base-command.ts'
import { ageFlag, optionalArg } from '../../cli/flags.ts'
import { count, formatAge, formatByteSize, lines, table } from '../../cli/report.ts'
import { transfersFolder } from '../../cli/settings.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { ListedTransfer } from '../../workflows/list-transfers.ts'
import type { UnfinishedBucketUpload } from '../../workflows/orphaned-uploads.ts'

/** Of this machine, or of a bucket when one is named. */
export interface TransferListResult {
  transfers?: ListedTransfer[]
  bucket?: string
  uploads?: UnfinishedBucketUpload[]
}

export default class TransferList extends SealiftCommand<TransferListResult> {
  static override summary = 'list unfinished transfers'
  static override description = `Without a bucket: transfers of this machine that can be gone on with, from their journals.
With a bucket: its unfinished multipart uploads, whoever began them; they take space that no listing of objects shows.`
  static override examples = [
    { description: 'what was interrupted here', command: '<%= config.bin %> transfer list' },
    {
      description: 'uploads left behind in a bucket for a week or more',
      command: '<%= config.bin %> transfer list s3://animine-data-import-1 --older-than 7d',
    },
  ]
  static override args = { BUCKET: optionalArg('s3://BUCKET, or s3://BUCKET/PREFIX') }
  static override flags = {
    'older-than': ageFlag({ description: 'only uploads of a bucket begun so long ago (90m, 12h, 7d)' }),
    ...storeFlags,
  }

  protected override async perform(): Promise<TransferListResult> {
    const { args, flags } = await this.parse(TransferList)
    const stateFolder = transfersFolder()
    if (args.BUCKET === undefined) {
      const { listTransfers } = await import('../../workflows/list-transfers.ts')
      return { transfers: await listTransfers(stateFolder) }
    }
    const [{ connect }, { parseS3Url }, { unfinishedUploads }] = await Promise.all([
      import('../../workflows/connect.ts'),
      import('../../workflows/s3-url.ts'),
      import('../../workflows/orphaned-uploads.ts'),
    ])
    const { bucket, objectKey: prefix } = parseS3Url(args.BUCKET)
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const request = { bucket, prefix, olderThan: flags['older-than'], stateFolder }
    return { bucket, uploads: await unfinishedUploads(store, request, this.signal) }
  }

  protected override toText({ transfers, bucket, uploads }: TransferListResult): string {
    if (transfers !== undefined) return transfersText(transfers)
    if (uploads === undefined || uploads.length === 0) return 'no unfinished uploads'
    return lines(
      table(
        uploads.map(({ objectKey, uploadId, initiatedAt, initiatorId, transfer, running }) => [
          `s3://${bucket ?? ''}/${objectKey}`,
          formatAge(initiatedAt),
          initiatorId === undefined ? '' : `by ${initiatorId}`,
          transfer === undefined ? '' : `transfer ${transfer}${running ? ', running' : ''}`,
          uploadId,
        ]),
      ),
      count(uploads.length, 'unfinished upload'),
    )
  }
}

function transfersText(transfers: readonly ListedTransfer[]): string {
  if (transfers.length === 0) return 'no unfinished transfers'
  return table(
    transfers.map((transfer) => {
      const { id, direction, changedAt, running, damage } = transfer
      if (damage !== undefined) return [id, 'damaged', damage, '', formatAge(changedAt), '']
      const state = running === undefined ? 'stopped' : `running, process ${running.pid} on ${running.host}`
      return [
        id,
        direction ?? '',
        `${fromText(transfer.from)} -> ${transfer.to ?? ''}`,
        doneText(transfer),
        formatAge(changedAt),
        state,
      ]
    }),
  )
}

function fromText([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} and ${count(others.length, 'other')}`
}

function doneText({ direction, filesDone, piecesDone, bytesDone }: ListedTransfer): string {
  const pieces = count(piecesDone, direction === 'upload' ? 'part' : 'range')
  return `${count(filesDone, 'file')} and ${pieces} done, ${formatByteSize(bytesDone)}`
}
