import * as Flags from '@oclif/core/flags'
import { SealiftCommand, type PartialFailure } from '../cli/base-command.ts'
import { doctorText } from '../cli/doctor-text.ts'
import { projectBookFile } from '../cli/settings.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import type { DoctorResult } from '../workflows/doctor.ts'

export default class Doctor extends SealiftCommand<DoctorResult> {
  static override summary = 'find credentials, try the server, and remember what it can do'
  static override description =
    'Lists the credentials of AWS tools, rclone and s3cmd with the project each belongs to; then checks address, certificate, clock and what the server does about sharing and transfers. Reads only, unless --write or --scratch is given, and removes all it wrote. Other commands use what it remembers.'
  static override examples = [
    {
      description: 'whose credentials are here, and is the server there',
      command: '<%= config.bin %> doctor',
    },
    {
      description: 'try everything in a bucket that lives as long as the checks',
      command: '<%= config.bin %> doctor --profile rclone:s3allas --scratch',
    },
  ]
  static override flags = {
    scratch: Flags.boolean({
      description: 'make a throw-away bucket, try writing, policies, ACLs and versions in it, and remove it',
    }),
    write: Flags.string({
      description: 'try writing in this bucket of your own, below .sealift-doctor/',
      helpValue: 'BUCKET',
    }),
    save: Flags.boolean({
      description: 'remember what the server can do, for the other commands',
      default: true,
      allowNo: true,
    }),
    ...storeFlags,
  }

  protected override async perform(): Promise<DoctorResult> {
    const { flags } = await this.parse(Doctor)
    const { doctor } = await import('../workflows/doctor.ts')
    const request = {
      ...storeSettings(flags),
      ...this.telling,
      projectBookFile: projectBookFile(),
      scratch: flags.scratch,
      writeInto: flags.write,
      save: flags.save,
    }
    return doctor(request, this.signal)
  }

  protected override toText(result: DoctorResult): string {
    return doctorText(result)
  }

  protected override failures({ findings }: DoctorResult): PartialFailure[] {
    return findings
      .filter(({ result }) => result === 'failed')
      .map(({ check, message, hint }) => ({
        name: check,
        code: 'CHECK_FAILED',
        message,
        hints: hint === undefined ? [] : [hint],
      }))
  }
}
