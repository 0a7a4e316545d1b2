import type { AppError } from '../../util/errors.ts'
import { failedTransfer, type FailedTransfer } from '../transfer-run.ts'
import type { DeepRekeyedObject } from './deep-finish.ts'
import type { PlannedRekey } from './planned-rekey.ts'
import type { RekeyedObject } from './rekey-object.ts'
import type { RekeySkipped, RekeyTotals } from './rekey-request.ts'

/** Adds up what a run does. Objects are remembered up to a number; the sums take none of the memory that they would. */
export class RekeyTally {
  readonly rekeyed: (RekeyedObject | DeepRekeyedObject)[] = []
  readonly planned: PlannedRekey[] = []
  readonly failed: FailedTransfer[] = []
  readonly skipped: RekeySkipped = { publishedKeys: 0, folders: 0, notCrypt4gh: 0, doneBefore: 0 }
  readonly totals: RekeyTotals = {
    objects: 0,
    bytes: 0,
    sentBytes: 0,
    receivedBytes: 0,
    copiedBytes: 0,
    packetsDropped: 0,
    olderVersions: 0,
    noLongerReadable: 0,
    unknownGrants: 0,
  }
  /** The failure that stands for a run in which nothing succeeded. */
  firstFailure: AppError | undefined
  readonly #keep: number

  constructor(keep: number) {
    this.#keep = keep
  }

  addRekeyed(object: RekeyedObject | DeepRekeyedObject): void {
    if (this.rekeyed.length < this.#keep) this.rekeyed.push(object)
    this.#sum(object, object.way === 'copied' ? Math.max(0, object.size - object.sentBytes) : 0)
    if (object.olderVersion !== undefined) this.totals.olderVersions += 1
    if ('grants' in object) this.totals.unknownGrants += 1
  }

  addPlanned(object: PlannedRekey): void {
    if (this.planned.length < this.#keep) this.planned.push(object)
    this.#sum(object, object.copiedBytes)
  }

  addSkipped(why: keyof RekeySkipped): void {
    this.skipped[why] += 1
  }

  addFailed(name: string, error: AppError): void {
    this.firstFailure ??= error
    this.failed.push(failedTransfer({ name, error }))
  }

  #sum(object: RekeyedObject | DeepRekeyedObject | PlannedRekey, copiedBytes: number): void {
    const { totals } = this
    totals.objects += 1
    totals.bytes += object.size
    totals.sentBytes += object.sentBytes
    totals.receivedBytes += object.receivedBytes
    totals.copiedBytes += copiedBytes
    totals.packetsDropped += object.packetsDropped
    if (!object.stillReadable) totals.noLongerReadable += 1
  }
}
