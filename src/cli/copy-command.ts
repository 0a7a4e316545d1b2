import { SealiftCommand, type PartialFailure } from './base-command.ts'
import { copySettings } from './copy-flags.ts'
import { copiesText, copyLine, isShown, type CopiesToPrint, type CopyToPrint } from './copy-text.ts'
import type { ProgressStyle } from './progress.ts'

/** What these commands tell: what the workflow found, and each object; without --json none of more than a hundred. */
interface CopyCommandResult extends CopiesToPrint {
  failed: readonly PartialFailure[]
  entries: readonly CopyToPrint[]
}

/** A command that copies many objects within the store, and tells of them as they are done. */
export abstract class CopyCommand<Result extends CopyCommandResult> extends SealiftCommand<Result> {
  protected abstract readonly verb: 'copy' | 'move'

  /**
   * What the flags ask of the workflow, which tells what becomes of each object: a dry run prints it at once.
   *
   * @param entries - takes those that the result shows
   */
  protected async asked<Entry extends CopyToPrint>(
    flags: Parameters<typeof copySettings>[0] & { progress: ProgressStyle },
    entries: Entry[],
  ) {
    const dryRun = flags['dry-run']
    return {
      ...copySettings(flags),
      onObject: (entry: Entry): void => {
        if (this.jsonEnabled() || (!dryRun && isShown(entries.length))) entries.push(entry)
        else if (dryRun) this.line(copyLine(this.verb, entry))
      },
      onProgress: dryRun ? undefined : await this.progress(flags.progress),
    }
  }

  protected override failures({ failed }: Result): readonly PartialFailure[] {
    return failed
  }

  protected override toText(result: Result): string {
    return copiesText(this.verb, result, result.entries)
  }
}
