/** How far a run of transfers has come. Bytes count what was sent or written and checked. */
export interface TransferProgress {
  totalBytes: number
  doneBytes: number
  totalFiles: number
  doneFiles: number
  /** The file or object that moved last. */
  current: string | undefined
}

/** Adds up the progress of all files of a run. */
export class ProgressCount {
  readonly #progress: TransferProgress
  readonly #report: ((progress: TransferProgress) => void) | undefined

  constructor(
    totalBytes: number,
    totalFiles: number,
    report: ((progress: TransferProgress) => void) | undefined,
  ) {
    this.#progress = { totalBytes, doneBytes: 0, totalFiles, doneFiles: 0, current: undefined }
    this.#report = report
    report?.({ ...this.#progress })
  }

  addBytes(current: string, count: number): void {
    this.#progress.doneBytes += count
    this.#progress.current = current
    this.#report?.({ ...this.#progress })
  }

  addFile(current: string): void {
    this.#progress.doneFiles += 1
    this.#progress.current = current
    this.#report?.({ ...this.#progress })
  }

  /** Files that are done. */
  get files(): number {
    return this.#progress.doneFiles
  }

  /** Whole percents of the bytes that are done. */
  get percent(): number {
    const { doneBytes, totalBytes } = this.#progress
    return totalBytes === 0 ? 100 : Math.min(100, Math.floor((100 * doneBytes) / totalBytes))
  }
}
