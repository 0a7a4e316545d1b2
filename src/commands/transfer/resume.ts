import { chdir } from 'node:process'
import * as Flags from '@oclif/core/flags'
import { hasSwitch, SealiftCommand, type PartialFailure } from '../../cli/base-command.ts'
import { failureOf } from '../../cli/failure.ts'
import { someArg } from '../../cli/flags.ts'
import { count } from '../../cli/report.ts'
import { transfersFolder } from '../../cli/settings.ts'
import { wrongWords } from '../../cli/usage-error.ts'
import type { RecordedCommand } from '../../workflows/resume-transfer.ts'

/** With --json and one transfer the document is that of its own command, and this is undefined. */
export type TransferResumeResult = { resumed: string[]; failed: PartialFailure[] } | undefined

export default class TransferResume extends SealiftCommand<TransferResumeResult> {
  static override summary = 'go on with unfinished transfers'
  static override description = `Runs the command that began the transfer again, in the folder it ran in; running that command yourself does the same.
The result and the exit code are those of that command. The environment is today's: its profile, endpoint and passphrase are not kept.`
  static override examples = [
    {
      description: 'go on with one of `transfer list`',
      command: '<%= config.bin %> transfer resume 3f9a2c',
    },
    {
      description: 'go on with whatever was interrupted',
      command: '<%= config.bin %> transfer resume --all',
    },
  ]
  static override args = { TRANSFER: someArg('ids, or their beginnings') }
  static override flags = {
    all: Flags.boolean({
      description: 'all unfinished transfers of this machine that nobody is at',
      default: false,
    }),
  }

  #handedOver = false
  #exitCode: typeof process.exitCode

  override async run(): Promise<TransferResumeResult> {
    const result = await super.run()
    process.exitCode = this.#exitCode ?? process.exitCode
    return result
  }

  protected override async perform(): Promise<TransferResumeResult> {
    const { args, flags } = await this.parse(TransferResume)
    const ids = args.TRANSFER ?? []
    if (flags.all === ids.length > 0) throw wrongWords('name transfers, or give --all')
    const { recordedCommands } = await import('../../workflows/resume-transfer.ts')
    const commands = await recordedCommands(transfersFolder(), flags.all ? undefined : ids)
    const [only, ...others] = commands
    if (only === undefined) return { resumed: [], failed: [] }
    if (others.length > 0) return this.#runEach(commands)
    await this.#runAgain(only)
    this.#exitCode = process.exitCode
    return this.jsonEnabled() ? undefined : { resumed: [only.id], failed: [] }
  }

  /** One that fails does not stop the others. */
  async #runEach(commands: readonly RecordedCommand[]): Promise<TransferResumeResult> {
    if (this.jsonEnabled()) {
      throw wrongWords(
        `there are ${commands.length} transfers, and --json is one document`,
        'name one of them',
      )
    }
    const resumed: string[] = []
    const failed: PartialFailure[] = []
    for (const command of commands) {
      try {
        await this.#runAgain(command)
        resumed.push(command.id)
      } catch (error) {
        this.signal.throwIfAborted()
        const { code, message, hints } = failureOf(error)
        failed.push({ name: command.id, code, message, hints })
      }
    }
    return { resumed, failed }
  }

  async #runAgain({ id, name, words, folder }: RecordedCommand): Promise<void> {
    this.note(`transfer ${id}, in ${folder}: sealift ${[name, ...words].map(shellWord).join(' ')}`)
    chdir(folder)
    const switches = ['--json', '--quiet', '--verbose'].filter((word) => this.#asked(word))
    const end = words.indexOf('--')
    const ownWords = words.filter((word, at) => word !== '--json' || (end !== -1 && at > end))
    this.#handedOver = true
    try {
      await this.config.runCommand(name, [...switches, ...ownWords])
    } finally {
      this.#handedOver = false
    }
  }

  #asked(word: string): boolean {
    return hasSwitch(this.argv, word, word === '--json' ? word : word.slice(1, 3))
  }

  /** While the other command runs, it is the one to speak. */
  protected override note(message: string): void {
    if (!this.#handedOver) super.note(message)
  }

  protected override failures(result: TransferResumeResult): readonly PartialFailure[] {
    return result?.failed ?? []
  }

  protected override toText(result: TransferResumeResult): string {
    if (result === undefined || this.#exitCode !== undefined) return ''
    if (result.resumed.length === 0 && result.failed.length === 0) return 'no unfinished transfers'
    return `went on with ${count(result.resumed.length, 'transfer')}`
  }
}

/** As it would have to be typed. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
