import { SealiftCommand } from '../../cli/base-command.ts'
import { passphraseFlags, requiredArg } from '../../cli/flags.ts'
import { printable } from '../../cli/printable.ts'
import { lines } from '../../cli/report.ts'
import { recipientsFolder } from '../../cli/settings.ts'
import { storeFlags, storeSettings } from '../../cli/store-flags.ts'
import type { CheckKeyResult } from '../../workflows/check-key.ts'

export default class KeyCheck extends SealiftCommand<CheckKeyResult> {
  static override summary = 'tell whether a secret key belongs to a published one'
  static override description =
    "Ends with 0 when the keys are the same, 14 when they differ, and 10 when there is no key to compare with; --json says `same`, `different` or `missing` in `state`. A bucket's keys count only if its owner published them."
  static override examples = [
    {
      description: 'check that two files are a pair',
      command: '<%= config.bin %> key check animine.sec animine.pub',
    },
    {
      description: 'check that what senders find in the bucket is yours',
      command: '<%= config.bin %> key check animine.sec s3://animine-data-import-1/keys/animine.pub',
    },
  ]
  static override args = {
    SECRET: requiredArg('secret key file'),
    PUBLIC: requiredArg('public key file, @NAME, s3://BUCKET or s3://BUCKET/keys/NAME.pub'),
  }
  static override flags = { ...passphraseFlags, ...storeFlags }

  protected override async perform(): Promise<CheckKeyResult> {
    const { args, flags } = await this.parse(KeyCheck)
    const [{ checkKey }, { connect }] = await Promise.all([
      import('../../workflows/check-key.ts'),
      import('../../workflows/connect.ts'),
    ])
    return checkKey({
      secretFile: args.SECRET,
      published: args.PUBLIC,
      passphrase: this.askPassphrase(flags),
      recipientsFolder: recipientsFolder(),
      connect: async () => this.closing(await connect({ ...storeSettings(flags), ...this.telling })),
      signal: this.signal,
    })
  }

  protected override toText({ secretFile, published, fingerprint, words, found }: CheckKeyResult): string {
    const others = found.length - 1
    return lines(
      `same key     ${printable(secretFile)} opens what is sealed for ${printable(published)}${others > 0 ? ` (which has ${others} more)` : ''}`,
      `fingerprint  ${fingerprint}`,
      `in words     ${words}`,
    )
  }
}
