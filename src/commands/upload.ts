import * as Flags from '@oclif/core/flags'
import { SealiftCommand, type PartialFailure } from '../cli/base-command.ts'
import {
  forceFlag,
  passphraseFlags,
  progressFlag,
  recipientFlag,
  requiredArg,
  senderKeyFlag,
  severalArg,
  sizeFlag,
} from '../cli/flags.ts'
import { count, formatByteSize, formatTransfer, lines, table } from '../cli/report.ts'
import { knownKeysFile, recipientsFolder } from '../cli/settings.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import type { PinnedKey } from '../workflows/known-keys.ts'
import type { UploadResult as Uploaded } from '../workflows/upload.ts'

export interface UploadResult extends Uploaded {
  /** The keys found in the bucket, and whether they were seen before. */
  bucketKeys: PinnedKey[]
}

export default class Upload extends SealiftCommand<UploadResult> {
  static override summary = 'encrypt files for their readers and upload them'
  static override description = `Everything is sealed with Crypt4GH on this machine; the store never sees plaintext.
A folder's files become PREFIX/path/name.c4gh, a file to PREFIX/ becomes PREFIX/name.c4gh, and a single file to a full key keeps that key.
Memory stays below (concurrency + cipher threads) times the part size.`
  static override examples = [
    {
      description: "deliver a run for the bucket's own keys and the SD services",
      command:
        '<%= config.bin %> upload run_12/ s3://animine-data-import-1/run_12/ --to-bucket-keys --to @csc-sd',
    },
    {
      description: 'one file, for one reader',
      command:
        '<%= config.bin %> upload reads.bam s3://animine-data-import-1/reads.bam.c4gh --to animine.pub',
    },
  ]
  static override args = {
    SOURCE: severalArg('files and folders'),
    TARGET: requiredArg('s3://BUCKET/PREFIX/, or s3://BUCKET/KEY for a single file'),
  }
  static override flags = {
    to: recipientFlag,
    'to-bucket-keys': Flags.boolean({
      description: "for the keys the bucket's owner published in it; pinned when first seen",
    }),
    'accept-changed-key': Flags.boolean({
      description: 'trust bucket keys that differ from those seen before, and pin them instead',
      dependsOn: ['to-bucket-keys'],
    }),
    'sender-key': senderKeyFlag,
    force: forceFlag,
    'encrypt-again': Flags.boolean({
      description: 'take files that are Crypt4GH already as if they were not',
    }),
    'part-size': sizeFlag({
      description: 'size aimed at per part (default: 8 MiB, more for files from 79 GiB on)',
    }),
    concurrency: Flags.integer({ description: 'parts on their way at the same time', min: 1, max: 64 }),
    progress: progressFlag,
    ...passphraseFlags,
    ...storeFlags,
  }

  protected override async perform(): Promise<UploadResult> {
    const { args, flags } = await this.parse(Upload)
    const [{ connect }, { parseS3Url }, { loadSender }, { uploadRecipients }, { upload }] = await Promise.all(
      [
        import('../workflows/connect.ts'),
        import('../workflows/s3-url.ts'),
        import('../workflows/identities.ts'),
        import('../workflows/upload-recipients.ts'),
        import('../workflows/upload.ts'),
      ],
    )
    const { bucket, objectKey } = parseS3Url(args.TARGET)
    const sender = await loadSender(flags['sender-key'], this.askPassphrase(flags))
    const connection = this.closing(await connect({ ...storeSettings(flags), onRetry: this.onRetry }))
    const { recipients, bucketKeys } = await uploadRecipients(
      connection,
      {
        names: flags.to ?? [],
        bucket,
        toBucketKeys: flags['to-bucket-keys'],
        acceptChangedKey: flags['accept-changed-key'],
        knownKeysFile: knownKeysFile(),
        recipientsFolder: recipientsFolder(),
      },
      this.signal,
    )
    for (const key of bucketKeys) this.#notePin(key)
    const result = await upload({
      store: connection.store,
      sources: args.SOURCE,
      bucket,
      target: objectKey,
      recipients,
      sender,
      force: flags.force,
      encryptAgain: flags['encrypt-again'],
      partSize: flags['part-size'],
      concurrency: flags.concurrency,
      onProgress: await this.progress(flags.progress),
      signal: this.signal,
    })
    return { ...result, bucketKeys }
  }

  /** The moment to compare fingerprints is before the data leaves. */
  #notePin({ name, fingerprint, words, state, previous }: PinnedKey): void {
    if (state === 'known') return
    const seen = state === 'new' ? 'seen for the first time' : `changed, was ${previous ?? 'another'}`
    this.note(
      `bucket key ${name} ${fingerprint} (${words}): ${seen}; compare it with its owner over another channel`,
    )
  }

  protected override failures(result: UploadResult): readonly PartialFailure[] {
    return result.failed
  }

  protected override toText(result: UploadResult): string {
    return lines(
      table(
        result.objects.map(({ source, objectKey, plaintextSize }) => [
          source,
          `s3://${result.bucket}/${objectKey}`,
          formatByteSize(plaintextSize),
        ]),
      ),
      `uploaded ${count(result.objects.length, 'object')}, ${formatTransfer(result.bytes, result.seconds)}, sealed for`,
      table(result.recipients.map(({ name, fingerprint }) => [`  ${name}`, fingerprint])),
    )
  }
}
