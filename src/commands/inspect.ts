import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import { identityFlag, passphraseFlags, requiredArg } from '../cli/flags.ts'
import { inspectText } from '../cli/inspect-text.ts'
import { recipientsFolder } from '../cli/settings.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import type { InspectRequest, InspectResult } from '../workflows/inspect.ts'

export default class Inspect extends SealiftCommand<InspectResult> {
  static override summary = 'say what a file or object is, and what its header tells'
  static override description = `Needs no key: tells Crypt4GH from bodies whose header is kept elsewhere (as SD Connect does), manifests of large Swift objects and other files, and shows packets, senders and sizes. Of an object only the first bytes are fetched.
A packet does not say whom it is for. With --identity those that it opens are shown; with the sender's secret key as --identity also which of the --recipient keys each packet is for.`
  static override examples = [
    { description: 'look at a file', command: '<%= config.bin %> inspect reads.bam.c4gh' },
    {
      description: 'look at an object without downloading it',
      command: '<%= config.bin %> inspect s3://animine-data-import-1/run_12/reads.bam.c4gh',
    },
    {
      description: 'find out whether it is for the group, and what an edit list leaves of it',
      command:
        '<%= config.bin %> inspect reads.bam.c4gh --identity animine.sec --recipient animine.pub --nonces',
    },
  ]
  static override args = { FILE: requiredArg('file, or object as s3://BUCKET/KEY') }
  static override flags = {
    identity: identityFlag,
    recipient: Flags.string({
      description: 'public key file or @NAME, looked for among senders and readers; may be repeated',
      helpValue: 'FILE|@NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    nonces: Flags.boolean({ description: 'compare the nonces of all segments too; for files' }),
    ...passphraseFlags,
    ...storeFlags,
  }

  protected override async perform(): Promise<InspectResult> {
    const { args, flags } = await this.parse(Inspect)
    const [{ inspectFile, inspectObject }, { loadIdentities }, { loadRecipients }] = await Promise.all([
      import('../workflows/inspect.ts'),
      import('../workflows/identities.ts'),
      import('../workflows/recipients.ts'),
    ])
    const identityFiles = flags.identity ?? []
    const request: InspectRequest = {
      recipients: await loadRecipients(flags.recipient ?? [], recipientsFolder()),
      identities:
        identityFiles.length === 0 ? [] : await loadIdentities(identityFiles, this.askPassphrase(flags)),
      nonces: flags.nonces,
      signal: this.signal,
    }
    if (!args.FILE.startsWith('s3://')) return inspectFile(args.FILE, request)
    const [{ connect }, { parseS3Url }] = await Promise.all([
      import('../workflows/connect.ts'),
      import('../workflows/s3-url.ts'),
    ])
    const location = parseS3Url(args.FILE)
    const { store } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    return inspectObject(store, location, request)
  }

  protected override toText(result: InspectResult): string {
    return inspectText(result)
  }
}
