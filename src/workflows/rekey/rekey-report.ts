import { fileError } from '../../util/file-errors.ts'
import { createPartialFile, type PartialFile } from '../../util/partial-file.ts'
import { escapeUnprintable } from '../../util/printable-json.ts'
import type { FailedTransfer } from '../transfer-run.ts'
import type { DeepRekeyedObject } from './deep-finish.ts'
import type { PlannedRekey } from './planned-rekey.ts'
import type { RekeyedObject } from './rekey-object.ts'
import type { RekeyObjectsResult, RekeySkipped } from './rekey-request.ts'

/** What became of one object: a line of the report. */
export type RekeyReportEntry =
  | ({ outcome: 'rekeyed' } & (RekeyedObject | DeepRekeyedObject))
  | ({ outcome: 'planned' } & PlannedRekey)
  | { outcome: 'skipped'; objectKey: string; why: keyof RekeySkipped }
  | ({ outcome: 'failed'; objectKey: string } & Pick<FailedTransfer, 'code' | 'message'>)

/** What stands before the objects. */
export type RekeyReportHead = { endpoint: string | undefined } & Pick<
  RekeyObjectsResult,
  'place' | 'into' | 'deep' | 'dryRun' | 'added' | 'removed' | 'exactly'
>

/** What stands behind the objects. */
export type RekeyReportEnd = Pick<RekeyObjectsResult, 'versioned' | 'skipped' | 'totals' | 'seconds'>

/** Characters that are written at once. */
const BLOCK = 64 * 1024

/**
 * A report that is written as the run goes, so that a hundred thousand objects take no memory: one JSON document, a line
 * for each object. It gets its name when it is whole, and replaces a report that is there. Mode 0600.
 */
export class RekeyReport {
  readonly #path: string
  readonly #file: PartialFile
  #waiting: string
  #entries = 0
  #position = 0
  #written: Promise<void> = Promise.resolve()

  private constructor(path: string, file: PartialFile, head: RekeyReportHead) {
    this.#path = path
    this.#file = file
    const fields = { format: 'sealift-rekey-report', version: 1, madeAt: new Date().toISOString(), ...head }
    this.#waiting = `${escapeUnprintable(JSON.stringify(fields)).slice(0, -1)},"objects":[`
  }

  /** Throws FILE_NOT_FOUND, FILE_UNREADABLE, DISK_FULL: before anything is changed. */
  static async start(path: string, head: RekeyReportHead): Promise<RekeyReport> {
    return new RekeyReport(path, await createPartialFile(path, { replace: true }), head)
  }

  /** Throws FILE_UNREADABLE, DISK_FULL; after that the report can't be finished. */
  async add(entry: RekeyReportEntry): Promise<void> {
    this.#waiting += `${this.#entries === 0 ? '' : ','}\n${escapeUnprintable(JSON.stringify(entry))}`
    this.#entries += 1
    if (this.#waiting.length >= BLOCK) await this.#write()
  }

  /** Writes the rest, syncs it and gives it its name. */
  async finish(end: RekeyReportEnd): Promise<void> {
    this.#waiting += `\n],${escapeUnprintable(JSON.stringify(end)).slice(1)}\n`
    await this.#write()
    await this.#file.finish()
  }

  /** Removes what was written. Harmless after finish. */
  async discard(): Promise<void> {
    await this.#written.catch(() => undefined)
    await this.#file.discard()
  }

  /** One after the other: the objects end at the same time. */
  #write(): Promise<void> {
    const block = Buffer.from(this.#waiting)
    this.#waiting = ''
    const position = this.#position
    this.#position += block.length
    this.#written = this.#written.then(async () => {
      await this.#file.writeAt(block, position).catch((error: unknown) => {
        throw fileError(error, 'write', this.#path)
      })
    })
    return this.#written
  }
}
