import { AppError } from '../util/errors.ts'

/**
 * When an access ends: a time from now (`90m`, `12h`, `14d`, `2w`) or a moment in ISO 8601. A bare date ends with the
 * beginning of that day, UTC, so that nothing is open longer than was said. Throws INVALID_DURATION for anything else,
 * for what has passed, and for more than ten years.
 */
export function parseUntil(text: string, now: Date = new Date()): Date {
  const until = fromDuration(text, now) ?? fromIsoDate(text)
  if (until === undefined || Number.isNaN(until.getTime())) {
    throw invalid(`not a duration or date: ${JSON.stringify(text)}`)
  }
  if (until <= now) throw invalid(`${text} has passed: it is ${now.toISOString()} now`)
  if (until.getTime() - now.getTime() > LONGEST_DAYS * DAY) {
    throw invalid(`${text} is more than ${LONGEST_DAYS} days away`)
  }
  return until
}

/** Ten years: beyond that it is a slip of the keyboard. */
const LONGEST_DAYS = 3660

const DAY = 24 * 60 * 60 * 1000
const UNITS: Readonly<Record<string, number>> = { m: 60 * 1000, h: 60 * 60 * 1000, d: DAY, w: 7 * DAY }

function fromDuration(text: string, now: Date): Date | undefined {
  const match = /^(\d{1,6})([mhdw])$/.exec(text)
  const unit = UNITS[match?.[2] ?? '']
  return match === null || unit === undefined ? undefined : new Date(now.getTime() + Number(match[1]) * unit)
}

/** Only forms with one meaning: a date, or a date and time with its offset from UTC. */
function fromIsoDate(text: string): Date | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.exec(text)
  const day = match?.[1]
  if (day === undefined) return undefined
  // Date would read 2026-02-30 as the 2nd of March.
  const midnight = new Date(`${day}T00:00:00Z`)
  const exists = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day)
  return exists ? new Date(text) : undefined
}

function invalid(message: string): AppError {
  return new AppError('INVALID_DURATION', message, {
    hints: ['write 12h, 14d, 2w, a date such as 2026-12-01, or 2026-12-01T18:00:00Z'],
  })
}
