import type { SingleBar } from 'cli-progress'
import { formatByteSize } from '../util/byte-size.ts'
import { printable } from './printable.ts'
import { formatSeconds } from './report.ts'
import { transferRate, type TransferRate } from './transfer-rate.ts'

/** How far a job of one or many files is. */
export interface ProgressState {
  totalBytes: number
  doneBytes: number
  totalFiles: number
  doneFiles: number
  current?: string | undefined
}

/** Shows a job's progress on stderr, or nothing. */
export interface Progress {
  /** May be called as often as the work likes. */
  update(state: ProgressState): void
  /** Shows everything as done, then stops. */
  finish(): void
  /** Shows the last state and leaves the line. May be called again. */
  stop(): void
}

/** `auto` is the bar, where stderr is a terminal. */
export type ProgressStyle = 'auto' | 'json' | 'none'

/** Seconds between two JSON lines. */
const JSON_INTERVAL = 1

/** The longest part of a current file's name shown. */
const NAME_WIDTH = 30

const NO_PROGRESS: Progress = { update: () => undefined, finish: () => undefined, stop: () => undefined }

/** The progress for a style; `silent` (--quiet, --json) leaves only explicitly asked JSON lines. */
export async function startProgress(style: ProgressStyle, silent: boolean): Promise<Progress> {
  if (style === 'json') return jsonLines((line) => process.stderr.write(line))
  if (style === 'none' || silent || !process.stderr.isTTY) return NO_PROGRESS
  const { default: cliProgress } = await import('cli-progress')
  return bar(
    new cliProgress.SingleBar({
      format: '{percentage}% [{bar}] {amount}  {rate}  {eta_left}  {files}{current}',
      stream: process.stderr,
      barsize: 24,
      fps: 5,
      hideCursor: true,
      linewrap: true,
      // Signals are the base command's (interrupt.ts); it stops the bar on every way out.
      gracefulExit: false,
      emptyOnZero: true,
    }),
    transferRate(),
  )
}

/** One JSON object a line: at the start, once a second, and at the end. */
export function jsonLines(
  write: (line: string) => void,
  now: () => number = () => performance.now() / 1000,
): Progress {
  const rate = transferRate()
  let shownAt = -Infinity
  let latest: ProgressState | undefined
  let pending: ProgressState | undefined
  const show = (state: ProgressState, time: number): void => {
    shownAt = time
    pending = undefined
    const seconds = rate.remaining(state.totalBytes)
    const fields = { ...state, bytesPerSecond: Math.round(rate.perSecond()) }
    write(
      `${JSON.stringify(seconds === undefined ? fields : { ...fields, secondsLeft: Math.round(seconds) })}\n`,
    )
  }
  return {
    update(state) {
      const time = now()
      rate.add(time, state.doneBytes)
      latest = pending = { ...state }
      if (time - shownAt >= JSON_INTERVAL) show(pending, time)
    },
    finish() {
      if (latest !== undefined) this.update(allDone(latest))
      this.stop()
    },
    stop() {
      if (pending !== undefined) show(pending, now())
    },
  }
}

function bar(display: SingleBar, rate: TransferRate): Progress {
  let started = false
  let latest: ProgressState | undefined
  return {
    update(state) {
      latest = { ...state }
      rate.add(performance.now() / 1000, state.doneBytes)
      const payload = barFields(state, rate)
      if (!started) display.start(state.totalBytes, state.doneBytes, payload)
      started = true
      display.setTotal(state.totalBytes)
      display.update(state.doneBytes, payload)
    },
    finish() {
      if (latest !== undefined) this.update(allDone(latest))
      this.stop()
    },
    stop() {
      if (started) display.stop()
      started = false
    },
  }
}

function allDone(state: ProgressState): ProgressState {
  return { ...state, doneBytes: state.totalBytes, doneFiles: state.totalFiles }
}

/** The texts of the bar for a state: bytes, rate, time left, files, and the file being worked on. */
export function barFields(state: ProgressState, rate: TransferRate): Record<string, string> {
  const seconds = rate.remaining(state.totalBytes)
  const name = state.current === undefined ? '' : printable(state.current)
  return {
    amount: `${formatByteSize(state.doneBytes)} of ${formatByteSize(state.totalBytes)}`,
    rate: `${formatByteSize(Math.round(rate.perSecond()))}/s`,
    eta_left: seconds === undefined ? 'ETA -' : `ETA ${formatSeconds(seconds)}`,
    files: state.totalFiles > 1 ? `${String(state.doneFiles)}/${String(state.totalFiles)} files  ` : '',
    current: name.length > NAME_WIDTH ? `…${name.slice(-(NAME_WIDTH - 1))}` : name,
  }
}
