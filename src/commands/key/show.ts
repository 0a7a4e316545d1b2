import { SealiftCommand } from '../../cli/base-command.ts'
import { passphraseFlags, severalArg } from '../../cli/flags.ts'
import { table } from '../../cli/report.ts'
import { recipientsFolder } from '../../cli/settings.ts'
import type { ShownKey } from '../../workflows/show-key.ts'

export interface KeyShowResult {
  keys: ShownKey[]
}

export default class KeyShow extends SealiftCommand<KeyShowResult> {
  static override summary = 'show kind, fingerprint and words of keys'
  static override description =
    'Compare the fingerprint over another channel before you seal data for a key: the ten words are its short form, to be read over the phone. A protected secret key asks for its passphrase.'
  static override examples = [
    { description: 'who a public key belongs to', command: '<%= config.bin %> key show animine.pub' },
    {
      description: 'check that two files are a pair',
      command: '<%= config.bin %> key show animine.pub animine.sec',
    },
  ]
  static override args = {
    FILE: severalArg('key files, public or secret, or well-known names such as @csc-sd'),
  }
  static override flags = passphraseFlags

  protected override async perform(): Promise<KeyShowResult> {
    const { args, flags } = await this.parse(KeyShow)
    const { showKeys } = await import('../../workflows/show-key.ts')
    return { keys: await showKeys(args.FILE, this.askPassphrase(flags), recipientsFolder()) }
  }

  protected override toText({ keys }: KeyShowResult): string {
    const rows = table(
      keys.map((key) => [
        key.file,
        key.type,
        key.kind,
        key.fingerprint,
        [key.encrypted === true ? 'passphrase' : '', key.comment ?? '']
          .filter((note) => note !== '')
          .join(', '),
      ]),
    ).split('\n')
    return rows.flatMap((row, index) => [row, `  ${keys[index]?.words ?? ''}`]).join('\n')
  }
}
