import * as Flags from '@oclif/core/flags'
import { SealiftCommand, type PartialFailure } from '../cli/base-command.ts'
import {
  forceFlag,
  identityFlag,
  optionalArg,
  passphraseFlags,
  progressFlag,
  requiredArg,
  senderFlag,
  sizeFlag,
} from '../cli/flags.ts'
import { journalSettings } from '../cli/journal-settings.ts'
import { planFlags } from '../cli/plan-flags.ts'
import { planText } from '../cli/plan-text.ts'
import { count, formatByteSize, formatTransfer, lines, table } from '../cli/report.ts'
import { ratesFile, recipientsFolder } from '../cli/settings.ts'
import { sourceFlags } from '../cli/source-flags.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import { startTransfer, transferFlags } from '../cli/transfer-flags.ts'
import type { DownloadResult } from '../workflows/download.ts'
import type { TransferPlan } from '../workflows/transfer-plan.ts'

export default class Download extends SealiftCommand<DownloadResult | TransferPlan> {
  static override summary = 'download objects and decrypt them'
  static override description = `An object, or everything below a prefix that ends in a slash; the prefix and .c4gh are left out of the names.
A file gets its name only when its last byte was checked; nothing that is there already is replaced without --force.
When it was stopped or failed, the same command goes on: finished files and checked ranges are not fetched again.
Memory stays below concurrency times the part size, and 16 MiB for small objects.`
  static override examples = [
    {
      description: 'fetch and decrypt a delivered run',
      command: '<%= config.bin %> download s3://animine-data-import-1/run_12/ run_12/ --identity animine.sec',
    },
    {
      description: 'keep it encrypted',
      command: '<%= config.bin %> download s3://animine-data-import-1/run_12/ run_12/ --no-decrypt',
    },
    {
      description: 'look which alignments would be fetched',
      command:
        "<%= config.bin %> download s3://animine-data-import-1/run_12/ run_12/ --include '*.bam' --no-decrypt --dry-run",
    },
  ]
  static override args = {
    SOURCE: requiredArg('s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ for everything below it'),
    DEST: optionalArg('file or folder to write to (default: the current folder)'),
  }
  static override flags = {
    identity: identityFlag,
    'no-decrypt': Flags.boolean({
      description: 'store the objects as they are',
      exclusive: ['identity', 'sender'],
    }),
    sender: senderFlag,
    force: forceFlag,
    include: sourceFlags.include,
    exclude: sourceFlags.exclude,
    plan: planFlags.plan,
    'dry-run': Flags.boolean({
      description: 'send nothing: list every object and the file it would become',
      helpGroup: 'PLAN',
    }),
    concurrency: Flags.integer({ description: 'ranges on their way at the same time', min: 1, max: 64 }),
    'part-size': sizeFlag({ description: 'size of a range (default: 8 MiB)' }),
    ...transferFlags,
    progress: progressFlag,
    ...passphraseFlags,
    ...storeFlags,
  }

  protected override async perform(): Promise<DownloadResult | TransferPlan> {
    const { args, flags } = await this.parse(Download)
    const [{ connect }, { parseS3Url }, { loadIdentities }, { loadSenders }, { receive }] = await Promise.all(
      [
        import('../workflows/connect.ts'),
        import('../workflows/s3-url.ts'),
        import('../workflows/identities.ts'),
        import('../workflows/recipients.ts'),
        import('../workflows/receive.ts'),
      ],
    )
    const { bucket, objectKey } = parseS3Url(args.SOURCE)
    const decrypt = !flags['no-decrypt']
    const identities = decrypt ? await loadIdentities(flags.identity ?? [], this.askPassphrase(flags)) : []
    const senders = await loadSenders(flags.sender, recipientsFolder())
    const transfer = this.closing(await startTransfer(flags, this.telling.onNotice))
    const connection = this.closing(await connect({ ...storeSettings(flags), ...transfer, ...this.telling }))
    return receive({
      connection,
      plan: flags.plan,
      ratesFile: ratesFile(),
      bucket,
      source: objectKey,
      destination: args.DEST,
      identities,
      decrypt,
      senders,
      include: flags.include,
      exclude: flags.exclude,
      force: flags.force,
      concurrency: flags.concurrency,
      rangeSize: flags['part-size'],
      ...transfer,
      threads: transfer.workers,
      dryRun: flags['dry-run'],
      journal: journalSettings(connection.endpoint, ['download', ...this.argv]),
      onProgress: await this.progress(flags.progress),
      signal: this.signal,
    })
  }

  protected override failures(result: DownloadResult | TransferPlan): readonly PartialFailure[] {
    return 'failed' in result ? result.failed : []
  }

  protected override toText(result: DownloadResult | TransferPlan): string {
    if (!('skipped' in result)) return planText(result)
    const left = lines(
      result.skipped.length > 0
        ? `left out ${count(result.skipped.length, 'public key')} below keys/: not encrypted`
        : undefined,
      result.excluded > 0
        ? `left out ${count(result.excluded, 'object')} by --include and --exclude`
        : undefined,
    )
    if (result.planned !== undefined) return dryRunText(result.planned, left)
    const { files } = result
    const here = files.filter(({ alreadyHere }) => alreadyHere).length
    return lines(
      table(files.map((file) => [file.objectKey, file.path, formatByteSize(file.size), stateOf(file)])),
      `downloaded ${count(files.length - here, 'file')}, ${formatTransfer(result.bytes, result.seconds)}`,
      here > 0 ? `${count(here, 'file')} of an earlier run already here` : undefined,
      left === '' ? undefined : left,
    )
  }
}

function stateOf({ alreadyHere, earlierBytes, startedOver }: DownloadResult['files'][number]): string {
  if (alreadyHere) return 'already here'
  if (startedOver !== undefined) return `started over: ${startedOver}`
  return earlierBytes > 0 ? `went on after ${formatByteSize(earlierBytes)}` : ''
}

/** What a dry run shows of each object. */
const PLANNED = { new: '', resume: 'to be gone on with', here: 'already here', exists: 'refused: it exists' }

function dryRunText(planned: NonNullable<DownloadResult['planned']>, left: string): string {
  const wanted = planned.filter(({ state }) => state === 'new' || state === 'resume')
  const bytes = wanted.reduce((sum, { objectSize }) => sum + objectSize, 0)
  return lines(
    table(
      planned.map(({ objectKey, path, objectSize, state }) => [
        objectKey,
        path,
        formatByteSize(objectSize),
        PLANNED[state],
      ]),
    ),
    `would download ${count(wanted.length, 'object')}, ${formatByteSize(bytes)}`,
    left === '' ? undefined : left,
  )
}
