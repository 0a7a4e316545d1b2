import * as Flags from '@oclif/core/flags'
import { SealiftCommand, type PartialFailure } from '../cli/base-command.ts'
import {
  forceFlag,
  passphraseFlags,
  progressFlag,
  recipientFlag,
  requiredArg,
  senderKeyFlag,
  someArg,
  sizeFlag,
} from '../cli/flags.ts'
import { journalSettings } from '../cli/journal-settings.ts'
import { planFlags } from '../cli/plan-flags.ts'
import { planText } from '../cli/plan-text.ts'
import { knownKeysFile, projectBookFile, ratesFile, recipientsFolder } from '../cli/settings.ts'
import { sourceFlags, sourceOptions } from '../cli/source-flags.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import { readInput } from '../cli/streams.ts'
import { startTransfer, transferFlags } from '../cli/transfer-flags.ts'
import { leftOutText, uploadText } from '../cli/upload-text.ts'
import type { Connection } from '../workflows/connect.ts'
import type { PinnedKey } from '../workflows/known-keys.ts'
import type { TransferPlan } from '../workflows/transfer-plan.ts'
import type { UploadResult as Uploaded } from '../workflows/upload.ts'

export interface UploadResult extends Uploaded {
  /** The keys found in the bucket, and whether they were seen before. */
  bucketKeys: PinnedKey[]
}

export default class Upload extends SealiftCommand<UploadResult | TransferPlan> {
  static override summary = 'encrypt files for their readers and upload them'
  static override description = `Everything is sealed with Crypt4GH on this machine; the store never sees plaintext.
A folder's files become PREFIX/path/name.c4gh, a file to PREFIX/ becomes PREFIX/name.c4gh, and a single file to a full key keeps that key.
When it was stopped or failed, the same command goes on with what is missing; \`sealift transfer list\` shows what is unfinished.
Buffers take concurrency times the part size, and never more than --memory (64 MiB); larger parts are streamed.`
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
    {
      description: 'how long it would take, and whether the credentials last',
      command: '<%= config.bin %> upload run_12/ s3://animine-data-import-1/run_12/ --to animine.pub --plan',
    },
    {
      description: 'what another program writes',
      command:
        'samtools view -b in.cram | <%= config.bin %> upload - s3://animine-data-import-1/in.bam.c4gh --to animine.pub',
    },
  ]
  static override args = {
    SOURCE: someArg('files and folders, or - for stdin'),
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
    'bucket-owner': Flags.string({
      description: 'refuse a bucket of anybody else: a name in the address book, or a typed identity',
      helpValue: 'PROJECT',
    }),
    'sender-key': senderKeyFlag,
    identity: Flags.string({
      char: 'i',
      description:
        'own secret key; if it is a recipient, an interrupted upload goes on under its one data key',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    force: forceFlag,
    'encrypt-again': Flags.boolean({
      description: 'take files that are Crypt4GH already as if they were not',
    }),
    md5: Flags.boolean({ description: 'record the MD5 of each file, too; the SHA-256 is always recorded' }),
    verify: Flags.boolean({ description: 'read everything back afterwards and check every tag' }),
    tar: Flags.boolean({ description: 'make one object of all sources, a tar archive' }),
    'expected-size': sizeFlag({
      description:
        'what will about come from stdin, so that parts of a large stream are no larger than needed',
    }),
    resume: Flags.boolean({
      description: 'go on with an earlier run, and write down how far this one comes',
      default: true,
      allowNo: true,
    }),
    ...planFlags,
    ...sourceFlags,
    'part-size': sizeFlag({
      description:
        'size aimed at per part (default: 16 MiB, more for files from 156 GiB on; of a stream 8 MiB at first)',
      helpGroup: 'TRANSFER',
    }),
    concurrency: Flags.integer({
      description: 'parts on their way at the same time (default: 4)',
      min: 1,
      max: 64,
      helpGroup: 'TRANSFER',
    }),
    ...transferFlags,
    progress: progressFlag,
    ...passphraseFlags,
    ...storeFlags,
  }

  protected override async perform(): Promise<UploadResult | TransferPlan> {
    const { args, flags } = await this.parse(Upload)
    const workflows = await loadWorkflows()
    const { parseS3Url, loadIdentities, uploadRecipients, deliver } = workflows
    const { bucket, objectKey } = parseS3Url(args.TARGET)
    const passphrase = this.askPassphrase(flags)
    const sender = await workflows.loadSender(flags['sender-key'], passphrase)
    const note = (message: string): void => {
      this.note(message)
    }
    const transfer = await startTransfer(flags, note)
    try {
      const connection = this.closing(
        await workflows.connect({ ...storeSettings(flags), ...transfer, ...this.telling }),
      )
      await this.#checkOwner(connection, bucket, flags['bucket-owner'])
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
      const outcome = await deliver({
        connection,
        sources: args.SOURCE ?? [],
        sourceOptions: {
          ...sourceOptions(flags, this.signal),
          onLeftOut: (leftOut) => {
            note(leftOutText(leftOut))
          },
        },
        stdin: () => readInput('-', this.signal),
        tar: flags.tar,
        look: flags['dry-run'] ? 'dry-run' : flags.plan ? 'plan' : undefined,
        ratesFile: ratesFile(),
        expectedSize: flags['expected-size'],
        bucket,
        target: objectKey,
        recipients,
        sender,
        identities: () =>
          flags.identity === undefined ? Promise.resolve([]) : loadIdentities(flags.identity, passphrase),
        journal: flags.resume ? journalSettings(connection.endpoint, ['upload', ...this.argv]) : undefined,
        force: flags.force,
        encryptAgain: flags['encrypt-again'],
        md5: flags.md5,
        verify: flags.verify,
        partSize: flags['part-size'],
        concurrency: flags.concurrency,
        ...transfer,
        threads: transfer.workers,
        onProgress: await this.progress(flags.progress),
        signal: this.signal,
      })
      return 'objects' in outcome ? { ...outcome, bucketKeys } : outcome
    } finally {
      await transfer.close()
    }
  }

  /** Before anything is read or sent: a bare name may stand for another bucket than the one that is meant. */
  async #checkOwner(connection: Connection, bucket: string, ownerName: string | undefined): Promise<void> {
    const { checkBucketOwner, resolveProject } = await loadWorkflows()
    const owner = ownerName === undefined ? undefined : await resolveProject(projectBookFile(), ownerName)
    await checkBucketOwner(connection, { bucket, owner, knownKeysFile: knownKeysFile() }, this.signal)
  }

  /** The moment to compare fingerprints is before the data leaves. */
  #notePin({ name, fingerprint, words, state, previous }: PinnedKey): void {
    if (state === 'known') return
    const seen = state === 'new' ? 'seen for the first time' : `changed, was ${previous ?? 'another'}`
    this.note(
      `bucket key ${name} ${fingerprint} (${words}): ${seen}; compare it with its owner over another channel`,
    )
  }

  protected override failures(result: UploadResult | TransferPlan): readonly PartialFailure[] {
    return 'objects' in result ? result.failed : []
  }

  protected override toText(result: UploadResult | TransferPlan): string {
    return 'objects' in result ? uploadText(result) : planText(result)
  }
}

/** Only when they are needed: --help must not wait for them. */
async function loadWorkflows() {
  return {
    ...(await import('../workflows/connect.ts')),
    ...(await import('../workflows/s3-url.ts')),
    ...(await import('../workflows/identities.ts')),
    ...(await import('../workflows/upload-recipients.ts')),
    ...(await import('../workflows/deliver.ts')),
    ...(await import('../workflows/bucket-owner.ts')),
    ...(await import('../workflows/project-book.ts')),
  }
}
