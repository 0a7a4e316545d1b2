import * as Flags from '@oclif/core/flags'
import type { InferredFlags } from '@oclif/core/interfaces'
import { SealiftCommand, type PartialFailure } from '../cli/base-command.ts'
import {
  forceFlag,
  identityFlag,
  passphraseFlags,
  progressFlag,
  recipientFlag,
  requiredArg,
  senderKeyFlag,
} from '../cli/flags.ts'
import { partyNames, readerChangeNames } from '../cli/party-names.ts'
import { refuseFlagsOfOtherKind, rekeyObjectFlags } from '../cli/rekey-flags.ts'
import { rekeyedFileText, rekeyedObjectsText, SHOWN_OBJECTS } from '../cli/rekey-text.ts'
import { rekeysFolder } from '../cli/settings.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import type { RekeyedFile } from '../workflows/rekey.ts'
import type { RekeyObjectsResult } from '../workflows/rekey/rekey-objects.ts'

export interface RekeyResult extends RekeyedFile {
  input: string
}

export default class Rekey extends SealiftCommand<RekeyResult | RekeyObjectsResult> {
  static override summary = 'change who can read objects in a store, or encrypt a file anew'
  static override description = `Objects get a new header in place: a few MiB are sent, and the server copies the rest of the body as it is. At every moment a whole object is under the name. Given again, the command goes on with what is left.
That takes nothing back from who kept the old header, the data key or a copy. With --deep, and for local files always, there is a new data key and a new body, sealed for those who are named: others are out, even with what they kept.`
  static override examples = [
    {
      description: 'a colleague joins: see what would be done, then let her read a whole run',
      command:
        '<%= config.bin %> rekey s3://animine-data-import-1/run_12/ --identity animine.sec --add anna.pub --dry-run',
    },
    {
      description: 'a key is lost: another one takes its place',
      command:
        '<%= config.bin %> rekey s3://animine-data-import-1/ --identity animine.sec --remove lost.pub --add new.pub --report rekeyed.json',
    },
    {
      description: 'end what can be ended for a former reader of an object',
      command:
        '<%= config.bin %> rekey s3://animine-data-import-1/reads.bam.c4gh --identity animine.sec --to animine.pub --deep --delete-replaced',
    },
    {
      description: 'shut a former reader out of a local file',
      command: '<%= config.bin %> rekey reads.bam.c4gh --identity animine.sec --to animine.pub',
    },
  ]
  static override args = { PLACE: requiredArg('encrypted file, s3://BUCKET/KEY or s3://BUCKET/PREFIX/') }
  static override flags = {
    identity: identityFlag,
    to: recipientFlag,
    'sender-key': senderKeyFlag,
    output: Flags.string({
      char: 'o',
      description: 'file to write instead of replacing a local one',
      helpValue: 'FILE',
    }),
    force: forceFlag,
    progress: progressFlag,
    ...rekeyObjectFlags,
    ...passphraseFlags,
    ...storeFlags,
  }

  protected override async perform(): Promise<RekeyResult | RekeyObjectsResult> {
    const { args, flags } = await this.parse(Rekey)
    refuseFlagsOfOtherKind(args.PLACE, flags)
    return args.PLACE.startsWith('s3://')
      ? this.#rekeyObjects(args.PLACE, flags)
      : this.#rekeyFile(args.PLACE, flags)
  }

  async #rekeyFile(input: string, flags: RekeyFlags): Promise<RekeyResult> {
    const [{ loadParties }, { rekeyFile }] = await Promise.all([
      import('../workflows/parties.ts'),
      import('../workflows/rekey.ts'),
    ])
    const parties = await loadParties(partyNames(flags, this.askPassphrase(flags)))
    const result = await rekeyFile({
      input,
      output: flags.output,
      ...parties,
      force: flags.force,
      onBytes: await this.progressOfFile(flags.progress, input),
      signal: this.signal,
    })
    return { input, ...result }
  }

  async #rekeyObjects(place: string, flags: RekeyFlags): Promise<RekeyObjectsResult> {
    const [{ connect }, { parseS3Url }, { loadReaderChange }, { rekeyObjects }] = await Promise.all([
      import('../workflows/connect.ts'),
      import('../workflows/s3-url.ts'),
      import('../workflows/rekey/reader-names.ts'),
      import('../workflows/rekey/rekey-objects.ts'),
    ])
    const where = {
      place: parseS3Url(place),
      into: flags.into === undefined ? undefined : parseS3Url(flags.into),
    }
    const readers = await loadReaderChange(readerChangeNames(flags, this.askPassphrase(flags)))
    const { store, endpoint } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const request = {
      ...where,
      ...readers,
      force: flags.force,
      deep: flags.deep,
      deleteReplaced: flags['delete-replaced'],
      dryRun: flags['dry-run'],
      concurrency: flags.concurrency,
      partSize: flags['part-size'],
      records: { folder: rekeysFolder(), endpoint },
      report: flags.report,
      keepResults: this.jsonEnabled() ? undefined : SHOWN_OBJECTS,
      onProgress: await this.progress(flags.progress),
    }
    return rekeyObjects(store, request, this.signal)
  }

  protected override failures(result: RekeyResult | RekeyObjectsResult): readonly PartialFailure[] {
    return 'failed' in result ? result.failed : []
  }

  protected override toText(result: RekeyResult | RekeyObjectsResult): string {
    return 'failed' in result ? rekeyedObjectsText(result) : rekeyedFileText(result)
  }
}

type RekeyFlags = InferredFlags<typeof Rekey.flags>
