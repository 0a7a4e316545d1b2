import { AppError } from './errors.ts'

const KIBI = 1024
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** Bytes of one unit, by its name in lower case. A bare letter counts in 1024s, as in dd and rclone. */
const UNIT_SIZES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ...['k', 'm', 'g', 't'].flatMap((letter, index): [string, number][] => [
    [letter, KIBI ** (index + 1)],
    [`${letter}ib`, KIBI ** (index + 1)],
    [`${letter}b`, 1000 ** (index + 1)],
  ]),
])

/**
 * Bytes of a size as people write it: `8MiB`, `1.5 GiB`, `64k`, `1000000`. Rounded down to whole bytes.
 *
 * Throws AppError USAGE for anything that is not a positive size that a number can hold.
 */
export function parseByteSize(text: string): number {
  const match = /^\s*(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)\s*$/i.exec(text)
  const unit = UNIT_SIZES.get((match?.[2] ?? '?').toLowerCase())
  const size = unit === undefined ? NaN : Math.floor(Number(match?.[1]) * unit)
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new AppError('USAGE', `not a size: ${text}`, {
      hints: ['write a number with its unit, such as 8MiB or 1.5GiB'],
    })
  }
  return size
}

/** A size for people: `0 B`, `512 B`, `1.5 KiB`, `64 MiB`, `1.2 TiB`. */
export function formatByteSize(size: number): string {
  let value = size
  let unit = 0
  // 1023.95 would be shown as 1024.0: step to the next unit just before that.
  while (value >= KIBI - 0.05 && unit < UNITS.length - 1) {
    value /= KIBI
    unit += 1
  }
  const digits = unit === 0 ? String(value) : value.toFixed(value < 99.95 ? 1 : 0).replace(/\.0$/, '')
  return `${digits} ${UNITS[unit] ?? ''}`
}
