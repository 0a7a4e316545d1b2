import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import { untilInterrupted } from '../cli/interrupt.ts'
import { lines } from '../cli/report.ts'
import { PERSONALITY_NAMES } from '../sandbox/personality/names.ts'

export interface SandboxSession {
  endpoint: string
  directory: string
  /** Profiles as for ~/.aws/credentials; their secrets open this sandbox and nothing else. */
  profiles: string
}

export default class SandboxCommand extends SealiftCommand<SandboxSession> {
  static override summary = 'start an S3 server on this machine for practice'
  static override description = `Three projects with own credentials: group, producer, outsider. Signatures, ACLs and bucket policies are enforced as on Ceph RGW, or in the way of another server.
It is a practice and test server: plain HTTP on 127.0.0.1, no promise to keep what is put into it. Ctrl-C ends it.`
  static override examples = [
    { description: 'in a temporary folder, removed at the end', command: '<%= config.bin %> sandbox' },
    {
      description: 'in a folder that is kept, at a port of your choice',
      command: '<%= config.bin %> sandbox --dir practice --port 9000',
    },
    {
      description: 'as AWS S3 is: no ACLs, uploads belong to the owner of the bucket',
      command: '<%= config.bin %> sandbox --personality aws',
    },
  ]
  static override flags = {
    dir: Flags.string({ description: 'folder to keep everything in', helpValue: 'DIR' }),
    personality: Flags.string({
      description: 'the server to imitate (docs/sandbox.md)',
      options: [...PERSONALITY_NAMES],
      default: 'rgw',
    }),
    port: Flags.integer({ description: 'port to listen on (default: any free one)', min: 1, max: 65_535 }),
  }

  protected override async perform(): Promise<SandboxSession> {
    const { flags } = await this.parse(SandboxCommand)
    const { openPractice } = await import('../sandbox/practice.ts')
    const personality = PERSONALITY_NAMES.find((name) => name === flags.personality)
    const practice = await openPractice({ directory: flags.dir, port: flags.port, personality })
    try {
      this.line(
        lines(
          `a practice S3 server listens at ${practice.endpoint}; it is no place to keep data`,
          '',
          '# paste this into ~/.aws/credentials, then use --profile group, producer or outsider',
          practice.profiles,
          'their identities for `sealift project add`:',
          ...practice.identities.map(({ name, identity }) => `  sealift project add ${name} ${identity}`),
          '',
          'Ctrl-C ends it',
        ),
      )
      await untilInterrupted(this.signal)
    } finally {
      await practice.close()
    }
    return { endpoint: practice.endpoint, directory: practice.directory, profiles: practice.profiles }
  }

  protected override toText(): string {
    return 'the sandbox has ended'
  }
}
