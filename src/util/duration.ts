import { AppError } from './errors.ts'

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/**
 * Seconds of a length of time as people write it: `90s`, `15m`, `2h`, `1d`, or `0`.
 *
 * @throws AppError INVALID_DURATION
 */
export function parseDuration(text: string): number {
  if (text.trim() === '0') return 0
  const found = /^\s*(\d{1,6})\s*([smhd])\s*$/i.exec(text)
  const unit = UNITS[(found?.[2] ?? '').toLowerCase()]
  if (unit === undefined) {
    throw new AppError('INVALID_DURATION', `not a length of time: ${text}`, {
      hints: ['write a number with its unit, such as 90s, 15m or 2h, or 0'],
    })
  }
  return Number(found?.[1]) * unit
}
