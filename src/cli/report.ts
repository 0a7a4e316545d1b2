/**
 * The rules of the terminal:
 * - stdout is the result, as text or with --json as one JSON document; everything else goes to stderr;
 * - every command says something at its end; a failure is `error: …` and then `hint: …` lines on stderr;
 * - lower case, no full stop, one line a message: what, where, and what to do;
 * - strings from outside pass through printable() first: names and server messages must not steer the terminal;
 * - no colours and no cursor movement but the progress bar's, and that only when stderr is a terminal;
 * - nothing secret, not even with --verbose.
 */
import { formatByteSize } from '../util/byte-size.ts'
import { printable } from './printable.ts'

export { formatByteSize } from '../util/byte-size.ts'

/** Columns with two blanks between them; each cell is made printable. Numbers stand right, text left. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => printable(String(cell))))
  const widths: number[] = []
  for (const row of cells) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  return rows
    .map((row, index) =>
      row
        .map((cell, column) => {
          const text = cells[index]?.[column] ?? ''
          const width = widths[column] ?? 0
          return typeof cell === 'number' ? text.padStart(width) : text.padEnd(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Lines joined; those that are undefined are left out. */
export function lines(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join('\n')
}

/** `1 object`, `3 objects`, `2 copies` with its own plural. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${String(number)} ${number === 1 ? noun : plural}`
}

/** Seconds for people: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${String(whole)} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${String(minutes)} min ${String(whole % 60).padStart(2, '0')} s`
  return `${String(Math.floor(minutes / 60))} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** How long ago, in its largest unit: `3 d`, `5 h`, `12 min`; `-` when that is not known. */
export function formatAge(time: Date | undefined): string {
  if (time === undefined) return '-'
  const minutes = Math.max(0, Math.floor((Date.now() - time.getTime()) / 60_000))
  if (minutes < 60) return `${String(minutes)} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${String(hours)} h` : `${String(Math.floor(hours / 24))} d`
}

/** Seconds below which a rate says nothing. */
const MIN_RATED = 0.1

/** How much was moved, how long it took and how fast: `64 MiB in 1.2 s (53.3 MiB/s)`. */
export function formatTransfer(bytes: number, seconds: number): string {
  const text = `${formatByteSize(bytes)} in ${formatSeconds(seconds)}`
  return seconds < MIN_RATED ? text : `${text} (${formatByteSize(Math.round(bytes / seconds))}/s)`
}

/** A point in time to the second, in UTC, as S3 and policies write it; `-` when there is none. */
export function formatTime(time: Date | undefined): string {
  return time === undefined ? '-' : `${time.toISOString().slice(0, 19)}Z`
}
