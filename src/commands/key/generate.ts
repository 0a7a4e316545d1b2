import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../../cli/base-command.ts'
import { passphraseFlags, requiredArg } from '../../cli/flags.ts'
import { newPassphraseFor } from '../../cli/passphrase.ts'
import { lines } from '../../cli/report.ts'
import { printable } from '../../cli/printable.ts'
import type { GenerateKeyResult } from '../../workflows/generate-key.ts'

export default class KeyGenerate extends SealiftCommand<GenerateKeyResult> {
  static override summary = 'make a Crypt4GH key pair'
  static override description = `Writes NAME.sec, the secret key, readable by you alone and protected by a passphrase, and NAME.pub, the public key that senders need.
Keep NAME.sec and its passphrase safe: without them nobody can open what is sealed for this key.`
  static override examples = [
    { description: 'make animine.sec and animine.pub', command: '<%= config.bin %> key generate animine' },
    {
      description: 'in a script, with the passphrase from a password store',
      command: '<%= config.bin %> key generate animine --passphrase-command "pass show animine"',
    },
  ]
  static override args = { NAME: requiredArg('name of the two files, without ending') }
  static override flags = {
    'no-passphrase': Flags.boolean({
      description: 'store the secret key unprotected, for machines that work alone',
      exclusive: ['passphrase-file', 'passphrase-command'],
    }),
    comment: Flags.string({
      description: 'note kept in the secret key file, for its owner',
      helpValue: 'TEXT',
    }),
    force: Flags.boolean({ description: 'replace a key pair of this name; what was sealed for it is lost' }),
    ...passphraseFlags,
  }

  protected override async perform(): Promise<GenerateKeyResult> {
    const { args, flags } = await this.parse(KeyGenerate)
    const { generateKey } = await import('../../workflows/generate-key.ts')
    return generateKey({
      name: args.NAME,
      passphrase: flags['no-passphrase'] ? undefined : (file) => newPassphraseFor(file, flags),
      comment: flags.comment,
      replace: flags.force,
    })
  }

  protected override toText(result: GenerateKeyResult): string {
    return lines(
      `secret key   ${printable(result.secretKeyFile)}  (${result.encrypted ? 'protected by the passphrase' : 'without passphrase'}, keep it to yourself)`,
      `public key   ${printable(result.publicKeyFile)}  (for everyone who sends to you)`,
      `fingerprint  ${result.fingerprint}`,
      `in words     ${result.words}`,
    )
  }
}
