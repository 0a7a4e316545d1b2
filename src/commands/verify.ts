import * as Flags from '@oclif/core/flags'
import { SealiftCommand, type PartialFailure } from '../cli/base-command.ts'
import { identityFlag, passphraseFlags, progressFlag, requiredArg, senderFlag } from '../cli/flags.ts'
import { printable } from '../cli/printable.ts'
import { count, formatByteSize, formatTransfer, lines } from '../cli/report.ts'
import { recipientsFolder } from '../cli/settings.ts'
import { keepHeapSmall } from '../cli/small-heap.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import { wrongWords } from '../cli/usage-error.ts'
import { verifiedObjectsText } from '../cli/verify-object-text.ts'
import { problemsOf, type VerifyObjectsResult } from '../workflows/object-verify/verify-request.ts'
import type { VerifyResult } from '../workflows/verify-file.ts'

const OBJECTS = 'OBJECTS'

export default class Verify extends SealiftCommand<VerifyResult | VerifyObjectsResult> {
  static override summary = 'check every tag of a Crypt4GH file or of objects in a bucket, and write nothing'
  static override description = `Decrypts and throws away: every segment that a reader gets is authenticated, senders and nonces are checked. What Crypt4GH itself cannot show stays unseen: a file cut off between two segments, segments that changed places (docs/inspect.md).
Of objects the bytes are compared with the ETag as well, which needs no key; --sha256 compares the plaintext with what was recorded (docs/verify.md).`
  static override examples = [
    {
      description: 'check a file before its source is deleted',
      command: '<%= config.bin %> verify reads.bam.c4gh --identity animine.sec',
    },
    {
      description: 'check a body whose header is kept apart, and who sent it',
      command:
        '<%= config.bin %> verify reads.body --header reads.header --identity animine.sec --sender producer.pub',
    },
    {
      description: 'check a delivered run where it is, against the digests of its producer',
      command:
        '<%= config.bin %> verify s3://animine-data-import-1/run_12/ --identity animine.sec --sha256 run_12.sha256',
    },
    {
      description: 'what can be seen without a key',
      command: '<%= config.bin %> verify s3://animine-data-import-1/run_12/',
    },
  ]
  static override args = { FILE: requiredArg('file to check, s3://BUCKET/KEY or s3://BUCKET/PREFIX/') }
  static override flags = {
    identity: identityFlag,
    header: Flags.string({
      description: 'file with the header, when FILE is a body alone',
      helpValue: 'FILE',
    }),
    sender: senderFlag,
    sha256: Flags.string({
      description: "what the plaintexts must be: sha256sum's lines, or an upload's --json result or --log",
      helpValue: 'FILE',
      helpGroup: OBJECTS,
      dependsOn: ['identity'],
    }),
    'headers-only': Flags.boolean({
      description: 'read no more than the headers: quick, and no proof',
      helpGroup: OBJECTS,
      exclusive: ['sha256'],
    }),
    report: Flags.string({
      description: 'file for a line of JSON on every object; a report that is there is replaced',
      helpValue: 'FILE',
      helpGroup: OBJECTS,
    }),
    'fail-fast': Flags.boolean({
      description: 'end with the first object that is not whole',
      helpGroup: OBJECTS,
    }),
    concurrency: Flags.integer({
      description: 'requests under way at the same time (default: 4, up to 32 for small objects)',
      min: 1,
      max: 64,
      helpGroup: OBJECTS,
    }),
    progress: progressFlag,
    ...passphraseFlags,
    ...storeFlags,
  }

  protected override async perform(): Promise<VerifyResult | VerifyObjectsResult> {
    const { args, flags } = await this.parse(Verify)
    const isPlace = args.FILE.startsWith('s3://')
    refuseFlagsOfOthers(isPlace, flags)
    const [{ loadIdentities }, { loadSenders }] = await Promise.all([
      import('../workflows/identities.ts'),
      import('../workflows/recipients.ts'),
    ])
    const senders = await loadSenders(flags.sender, recipientsFolder())
    const identities =
      isPlace && flags.identity === undefined
        ? []
        : await loadIdentities(flags.identity ?? [], this.askPassphrase(flags))
    if (!isPlace) {
      const { verifyFile } = await import('../workflows/verify-file.ts')
      return verifyFile({
        path: args.FILE,
        senders,
        identities,
        headerFile: flags.header,
        onBytes: await this.progressOfFile(flags.progress, args.FILE),
        signal: this.signal,
      })
    }
    const [{ connect }, { parseS3Url }, { verifyObjects }] = await Promise.all([
      import('../workflows/connect.ts'),
      import('../workflows/s3-url.ts'),
      import('../workflows/object-verify/verify-objects.ts'),
    ])
    keepHeapSmall()
    const place = parseS3Url(args.FILE)
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const request = {
      place,
      identities,
      senders,
      headersOnly: flags['headers-only'],
      digests: flags.sha256,
      failFast: flags['fail-fast'],
      report: flags.report,
      concurrency: flags.concurrency,
      onProgress: await this.progress(flags.progress),
    }
    return verifyObjects(store, request, this.signal)
  }

  protected override failures(result: VerifyResult | VerifyObjectsResult): readonly PartialFailure[] {
    return 'place' in result ? problemsOf(result) : []
  }

  protected override toText(result: VerifyResult | VerifyObjectsResult): string {
    if ('place' in result) return verifiedObjectsText(result)
    const { segments, checked, findings } = result
    return lines(
      `${printable(result.file)} is whole as far as Crypt4GH can tell: ${count(checked, 'segment')} authenticated, ${formatByteSize(result.plaintextSize)} of plaintext`,
      checked === segments
        ? undefined
        : `not checked  ${count(segments - checked, 'segment')} that the edit list skips`,
      `data keys    ${result.dataKeys}`,
      ...result.senders.map((sender) => `sender       ${sender}`),
      ...findings.map(({ finding, message }) => `warning      ${finding}: ${printable(message)}`),
      `read ${formatTransfer(result.size, result.seconds)}`,
    )
  }
}

/** Flags that mean nothing for a file, or nothing for objects. */
function refuseFlagsOfOthers(
  isPlace: boolean,
  flags: {
    identity?: string[] | undefined
    header?: string | undefined
    sender?: string[] | undefined
    sha256?: string | undefined
    'headers-only': boolean
    report?: string | undefined
    'fail-fast': boolean
    concurrency?: number | undefined
  },
): void {
  if (!isPlace) {
    const ofObjects = (['sha256', 'headers-only', 'report', 'fail-fast', 'concurrency'] as const).find(
      (name) => flags[name] !== undefined && flags[name] !== false,
    )
    if (ofObjects === undefined) return
    throw wrongWords(
      `--${ofObjects} is for objects, and FILE is a local file`,
      'name the objects as s3://BUCKET/KEY or s3://BUCKET/PREFIX/',
    )
  }
  if (flags.header !== undefined) {
    throw wrongWords('--header is for files, and objects have their header in front', 'leave --header out')
  }
  if (flags.sender !== undefined && flags.identity === undefined) {
    throw wrongWords(
      'who sealed an object is only told by what opens',
      'name your secret key with --identity FILE',
    )
  }
}
