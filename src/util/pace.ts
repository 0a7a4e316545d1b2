/** Lets bytes through no faster than some rate. */
export interface Pace {
  /** Resolves when that many more bytes may pass. An abort rejects with the signal's reason. */
  take(bytes: number, signal?: AbortSignal): Promise<void>
}
