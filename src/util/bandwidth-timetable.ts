/** How fast bytes may pass, by the hour and day: `200M`, `off`, `08:00,50M 18:00,off`, `Mon-08:00,50M Fri-18:00,off`. */
import { AppError } from './errors.ts'
import { formatByteSize, parseByteSize } from './byte-size.ts'

/** From this minute on this rate holds, until the next entry. */
export interface BandwidthEntry {
  /** From 0, local time; on every day where `day` is absent. */
  minuteOfDay: number
  /** 0 is Sunday, as in Date. */
  day?: number | undefined
  /** Bytes per second; undefined for no limit. */
  rate: number | undefined
}

/** In the order they were written; one entry at midnight for a rate that always holds. Never empty. */
export type BandwidthTimetable = readonly BandwidthEntry[]

/**
 * Bytes per second: with less, the connections of one transfer wait longer for each other than servers wait for bytes.
 */
export const MIN_RATE = 64 * 1024

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const MINUTES_OF_DAY = 24 * 60
const MINUTES_OF_WEEK = 7 * MINUTES_OF_DAY

/**
 * Reads a limit or a timetable. Rates are sizes per second, `off` is none, times are local.
 *
 * @throws AppError USAGE
 */
export function parseBandwidthTimetable(text: string): BandwidthTimetable {
  const words = text.trim().split(/\s+/)
  const [only = ''] = words
  if (words.length === 1 && !only.includes(',')) return [{ minuteOfDay: 0, rate: parseRate(only) }]
  const entries = words.map(parseEntry)
  const times = new Set(entries.map(({ day, minuteOfDay }) => `${day ?? 'any'} ${minuteOfDay}`))
  if (times.size < entries.length) throw invalid(text, 'it names a time twice')
  return entries
}

/** The timetable as it is written: `parse` gives the same back. */
export function serializeBandwidthTimetable(timetable: BandwidthTimetable): string {
  const [only] = timetable
  if (timetable.length === 1 && only?.minuteOfDay === 0 && only.day === undefined) return rateText(only.rate)
  return timetable.map((entry) => `${timeText(entry)},${rateText(entry.rate)}`).join(' ')
}

/** Bytes per second at a moment; undefined for no limit. Before the first entry of the week the last one holds. */
export function rateAt(timetable: BandwidthTimetable, moment: Date): number | undefined {
  const now = moment.getDay() * MINUTES_OF_DAY + moment.getHours() * 60 + moment.getMinutes()
  let newest: { age: number; rate: number | undefined; ofDay: boolean } | undefined
  for (const { day, minuteOfDay, rate } of timetable) {
    const period = day === undefined ? MINUTES_OF_DAY : MINUTES_OF_WEEK
    const age = (now - ((day ?? 0) * MINUTES_OF_DAY + minuteOfDay) + MINUTES_OF_WEEK) % period
    const ofDay = day !== undefined
    // An entry for one day says more than one for all at the same minute.
    if (newest === undefined || age < newest.age || (age === newest.age && ofDay)) {
      newest = { age, rate, ofDay }
    }
  }
  return newest?.rate
}

/** A rate for people: `200 MiB/s`, `no limit`. */
export function formatRate(rate: number | undefined): string {
  return rate === undefined ? 'no limit' : `${formatByteSize(rate)}/s`
}

function parseEntry(word: string): BandwidthEntry {
  const found = /^(?:([a-z]{3})-)?(\d{1,2}):(\d{2}),(.+)$/i.exec(word)
  const [, dayName, hours, minutes, rate] = found ?? []
  const day = dayName === undefined ? undefined : DAYS.findIndex((name) => name === dayName.toLowerCase())
  if (rate === undefined || day === -1 || Number(hours) > 23 || Number(minutes) > 59) {
    throw invalid(word, 'it is not TIME,RATE')
  }
  const entry = { minuteOfDay: Number(hours) * 60 + Number(minutes), rate: parseRate(rate) }
  return day === undefined ? entry : { ...entry, day }
}

function parseRate(text: string): number | undefined {
  if (text.toLowerCase() === 'off') return undefined
  const rate = parseByteSize(text)
  if (rate < MIN_RATE) throw invalid(text, `it is less than ${formatRate(MIN_RATE)}`)
  return rate
}

function timeText({ day, minuteOfDay }: BandwidthEntry): string {
  const pad = (value: number): string => String(value).padStart(2, '0')
  const name = day === undefined ? undefined : DAYS[day]
  const prefix = name === undefined ? '' : `${name.charAt(0).toUpperCase()}${name.slice(1)}-`
  return `${prefix}${pad(Math.floor(minuteOfDay / 60))}:${pad(minuteOfDay % 60)}`
}

function rateText(rate: number | undefined): string {
  return rate === undefined ? 'off' : String(rate)
}

function invalid(text: string, why: string): AppError {
  return new AppError('USAGE', `not a bandwidth limit: ${text}: ${why}`, {
    hints: ['write bytes per second such as 200M, or a timetable such as "08:00,50M 18:00,off"'],
  })
}
