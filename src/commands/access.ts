import { takeAccessWords, type AccessWords } from '../cli/access-words.ts'
import { bucketText, damagedHistory } from '../cli/audit-text.ts'
import { SealiftCommand } from '../cli/base-command.ts'
import { grantFlags, someArg } from '../cli/flags.ts'
import { grantText } from '../cli/grant-text.ts'
import { printable } from '../cli/printable.ts'
import { lines } from '../cli/report.ts'
import { accessHistoryFile, knownPlaces, projectBookFile } from '../cli/settings.ts'
import { proofText, shutOutText } from '../cli/shut-out-text.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import { wrongWords } from '../cli/usage-error.ts'
import type { BucketFindings } from '../workflows/bucket-findings.ts'
import type { ChangeResult } from '../workflows/change-access.ts'

type AccessResult = ChangeResult | { done: 'shown'; shown: BucketFindings }

const { until, prefix, 'from-ip': fromIp } = grantFlags

export default class Access extends SealiftCommand<AccessResult> {
  static override summary = 'let a project in or out as with a-access: +r, +w, +rw, -r, -w, -rw'
  static override description =
    'For hands that know the a-commands of CSC: +r makes the project a reader, +w a depositor, which cannot delete, and +rw a collaborator; -rw shuts it out. Without a change it shows who has access. The commands below say the same with more choice.'
  static override examples = [
    {
      description: 'let a partner read and write',
      command: '<%= config.bin %> access +rw project_2000111 animine-data-import-1',
    },
    {
      description: 'shut it out again, and prove it',
      command: '<%= config.bin %> access -rw project_2000111 animine-data-import-1',
    },
    { description: 'who has access', command: '<%= config.bin %> access animine-data-import-1' },
  ]
  static override usage = '<%= command.id %> [+r|+w|+rw|-r|-w|-rw PROJECT] BUCKET'
  static override args = { BUCKET: someArg('+rw PROJECT or the like, and the name of your bucket') }
  static override flags = { until, prefix, 'from-ip': fromIp, ...storeFlags }

  protected override async perform(): Promise<AccessResult> {
    // The usual parser would take -rw for flags.
    const { words, rest } = takeAccessWords(this.argv)
    const { args, flags } = await this.parse(Access, rest)
    const [{ connect }, { parseBucket }] = await Promise.all([
      import('../workflows/connect.ts'),
      import('../workflows/s3-url.ts'),
    ])
    const bucket = parseBucket(onlyBucket(args.BUCKET ?? []))
    const request = { ...storeSettings(flags), ...this.telling }
    if (words === undefined) return this.#show(bucket, this.closing(await connect(request)))
    const [{ changeAccess }, { resolveProject }, { parseUntil }, { connectAnonymous }] = await Promise.all([
      import('../workflows/change-access.ts'),
      import('../workflows/project-book.ts'),
      import('../workflows/until.ts'),
      import('../workflows/second-caller.ts'),
    ])
    const limits = {
      until: flags.until === undefined ? undefined : parseUntil(flags.until),
      prefix: flags.prefix,
      fromIp: flags['from-ip'],
    }
    refuseLimits(words, limits)
    const project = await resolveProject(projectBookFile(), words.project)
    const connection = this.closing(await connect(request))
    const provers = {
      asProject: [],
      anonymous: words.give ? undefined : this.closing(await connectAnonymous(request, connection)),
    }
    const change = { bucket, project, change: words, limits, provers }
    const result = await changeAccess(connection.store, change, this.signal)
    await this.#remember(result, bucket, connection.endpoint)
    return result
  }

  async #show(bucket: string, { store, endpoint }: Opened): Promise<AccessResult> {
    const [{ bucketFindings }, { readKnownHere }] = await Promise.all([
      import('../workflows/bucket-findings.ts'),
      import('../workflows/bucket-findings-known.ts'),
    ])
    const known = await readKnownHere({ ...knownPlaces(), endpoint })
    if (known.damagedLines > 0) this.note(damagedHistory(known.damagedLines))
    const shown = await bucketFindings(store, { bucket, withObjects: false, known }, this.signal)
    return { done: 'shown', shown }
  }

  async #remember(result: ChangeResult, bucket: string, endpoint: string): Promise<void> {
    if (result.done === 'nothing') return
    const { rememberAccess } = await import('../workflows/remember-access.ts')
    const what =
      result.done === 'granted'
        ? {
            what: result.done,
            identity: result.granted.identity,
            role: result.granted.role,
            until: result.granted.until,
          }
        : { what: result.done, identity: result.revoked.identity }
    await rememberAccess(accessHistoryFile(), { endpoint, bucket, ...what }, this.telling.onNotice)
  }

  protected override toText(result: AccessResult): string {
    switch (result.done) {
      case 'shown':
        return bucketText(result.shown)
      case 'granted':
        return grantText(result.granted)
      case 'revoked': {
        const { project, identity, bucket } = result.revoked
        return lines(
          printable(`${project} (${identity}) is shut out of s3://${bucket}`),
          shutOutText(result.revoked),
          proofText(result.revoked),
        )
      }
      case 'nothing':
        return printable(
          `${result.project} (${result.identity}) is ${result.role} of s3://${result.bucket} as before: there was nothing to take away`,
        )
    }
  }
}

type Opened = Awaited<ReturnType<typeof import('../workflows/connect.ts').connect>>

/** What is left besides the words: a command that does not exist would stand here as well. */
function onlyBucket(names: readonly string[]): string {
  const [first, second] = names
  if (first === undefined) {
    throw wrongWords('missing argument BUCKET', '`sealift access --help` shows the commands of access')
  }
  if (second === undefined) return first
  throw wrongWords(
    `unknown command access ${first}`,
    '`sealift access --help` shows the commands of access',
    'changes are spelled +rw PROJECT BUCKET',
  )
}

function refuseLimits({ give }: AccessWords, limits: object): void {
  if (give || Object.values(limits).every((limit) => limit === undefined)) return
  throw wrongWords('what is taken away has no limits', 'leave out --until, --prefix and --from-ip')
}
