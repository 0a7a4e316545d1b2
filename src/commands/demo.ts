import { resolve } from 'node:path'
import * as Args from '@oclif/core/args'
import { SealiftCommand } from '../cli/base-command.ts'
import { printable } from '../cli/printable.ts'
import { count, formatTransfer, lines } from '../cli/report.ts'
import { environment } from '../cli/settings.ts'
import type { StepReport, StoryReport } from '../sandbox/demo/story.ts'

export default class Demo extends SealiftCommand<StoryReport> {
  static override summary = 'play the whole story on a sandbox: open, deliver, prove, close'
  static override description = `A research group, a data producer and an outsider, each with own credentials, each step a command as you would type it.
Nothing leaves this machine, and everything made is removed at the end. Fails when any step, or any refusal, does not happen.`
  static override strict = false
  static override args = {
    FILE: Args.string({ description: 'your own files, delivered instead of a generated run' }),
  }
  static override examples = [
    { description: 'with a generated sequencing run', command: '<%= config.bin %> demo' },
    { description: 'with a file of yours', command: '<%= config.bin %> demo reads.bam' },
  ]

  protected override async perform(): Promise<StoryReport> {
    const { argv } = await this.parse(Demo)
    const { playStory, requireGoodEnd } = await import('../sandbox/demo/story.ts')
    const report = await playStory({
      program: resolve(this.config.root, 'bin', 'run.js'),
      environment: environment(),
      files: argv.map(String),
      onScene: (text) => {
        this.line(`\n# ${text}`)
      },
      onStep: (step) => {
        this.line(stepText(step))
      },
      signal: this.signal,
    })
    requireGoodEnd(report)
    return report
  }

  protected override toText(report: StoryReport): string {
    return lines(
      '',
      ...report.files.map(
        ({ name, sha256 }) => `the same after delivery: ${printable(name)}  SHA-256 ${sha256}`,
      ),
      `${count(report.steps.length, 'step')} as they must be, ${count(report.refusals, 'refusal')} among them; ` +
        formatTransfer(report.bytes, report.seconds),
    )
  }
}

/** The command as it was typed, what it printed, and whether it ended as it must. */
function stepText({ who, command, expected, exitCode, ok, stdout, stderr }: StepReport): string {
  const said = `${stdout}${stderr}`
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `    ${line}`)
  const verdict = ok
    ? expected === 0
      ? []
      : [`  → refused, exit code ${exitCode}, as it must be`]
    : [`  → exit code ${exitCode} where ${expected} was due: THIS IS WRONG`]
  return [`${who}$ ${command}`, ...said, ...verdict].join('\n')
}
