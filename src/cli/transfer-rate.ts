/** The rate of the last seconds, so that a slow start or a pause does not spoil the estimate. */
export interface TransferRate {
  /** Notes that `bytes` in all are done at `time` (seconds). */
  add(time: number, bytes: number): void
  /** Bytes per second over the window; 0 until two moments are known. */
  perSecond(): number
  /** Seconds until `totalBytes` are done at this rate; undefined while nothing moves. */
  remaining(totalBytes: number): number | undefined
}

/** Seconds looked back. */
const WINDOW = 15

/** Starts with no moments noted. Pure: the clock is the caller's. */
export function transferRate(window = WINDOW): TransferRate {
  const moments: { time: number; bytes: number }[] = []
  const perSecond = (): number => {
    const first = moments[0]
    const last = moments.at(-1)
    if (first === undefined || last === undefined || last.time <= first.time) return 0
    return Math.max(0, (last.bytes - first.bytes) / (last.time - first.time))
  }
  return {
    add(time, bytes) {
      moments.push({ time, bytes })
      while (moments.length > 2 && time - (moments[1]?.time ?? time) >= window) moments.shift()
    },
    perSecond,
    remaining(totalBytes) {
      const rate = perSecond()
      if (rate === 0) return undefined
      return Math.max(0, totalBytes - (moments.at(-1)?.bytes ?? 0)) / rate
    },
  }
}
