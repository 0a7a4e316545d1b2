import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../../cli/base-command.ts'
import { passphraseFlags, requiredArg } from '../../cli/flags.ts'
import { replacementPassphraseFor } from '../../cli/passphrase.ts'
import { printable } from '../../cli/printable.ts'
import { lines } from '../../cli/report.ts'
import type { ChangePassphraseResult } from '../../workflows/change-passphrase.ts'

const NEW_GROUP = 'NEW PASSPHRASE'

export default class KeyPassphrase extends SealiftCommand<ChangePassphraseResult> {
  static override summary = 'change, add or remove the passphrase of a secret key'
  static override description =
    'The key itself stays the same, so nothing has to be encrypted again, and its public key stays valid. The file is replaced whole or not at all. Copies made before keep the old passphrase.'
  static override examples = [
    {
      description: 'change the passphrase, or give the key its first one',
      command: '<%= config.bin %> key passphrase animine.sec',
    },
    {
      description: 'take it off, for a machine that works alone',
      command: '<%= config.bin %> key passphrase animine.sec --remove',
    },
    {
      description: 'in a script',
      command:
        '<%= config.bin %> key passphrase animine.sec --passphrase-command "pass show old" --new-passphrase-command "pass show new"',
    },
  ]
  static override args = { FILE: requiredArg('secret key file (Crypt4GH)') }
  static override flags = {
    remove: Flags.boolean({
      description: 'store the secret key unprotected',
      exclusive: ['new-passphrase-file', 'new-passphrase-command'],
    }),
    'new-passphrase-file': Flags.string({
      description: 'file whose only line is the new passphrase',
      helpValue: 'FILE',
      helpGroup: NEW_GROUP,
      exclusive: ['new-passphrase-command'],
    }),
    'new-passphrase-command': Flags.string({
      description: 'shell command that prints the new passphrase; without either: a prompt',
      helpValue: 'COMMAND',
      helpGroup: NEW_GROUP,
    }),
    ...passphraseFlags,
  }

  protected override async perform(): Promise<ChangePassphraseResult> {
    const { args, flags } = await this.parse(KeyPassphrase)
    const { changePassphrase } = await import('../../workflows/change-passphrase.ts')
    return changePassphrase({
      file: args.FILE,
      passphrase: this.askPassphrase(flags),
      newPassphrase: flags.remove
        ? undefined
        : (file) =>
            replacementPassphraseFor(file, {
              'passphrase-file': flags['new-passphrase-file'],
              'passphrase-command': flags['new-passphrase-command'],
            }),
    })
  }

  protected override toText({ file, fingerprint, wasEncrypted, encrypted }: ChangePassphraseResult): string {
    const before = wasEncrypted ? 'its old passphrase opens it no more' : 'it had none before'
    const after = encrypted ? `protected by the new passphrase, ${before}` : 'without passphrase now'
    return lines(
      `secret key   ${printable(file)}  (${after})`,
      `fingerprint  ${fingerprint}  (the same key as before)`,
    )
  }
}
