import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type BandwidthEntry,
  MIN_RATE,
  parseBandwidthTimetable,
  rateAt,
  serializeBandwidthTimetable,
} from '../../src/util/bandwidth-timetable.ts'

const M = 1024 ** 2
/** A Wednesday, local time. */
const wednesday = (hours: number, minutes = 0): Date => new Date(2026, 10, 18, hours, minutes)

describe('a limit as people write it', () => {
  it.each([
    ['200M', 200 * M],
    ['1.5G', 1.5 * 1024 * M],
    ['64k', MIN_RATE],
    ['off', undefined],
    ['OFF', undefined],
  ])('%s holds at any time', (text, rate) => {
    const timetable = parseBandwidthTimetable(text)
    for (const hour of [0, 9, 23]) expect(rateAt(timetable, wednesday(hour))).toBe(rate)
  })

  it('a timetable: slow while people work', () => {
    const timetable = parseBandwidthTimetable('08:00,50M 18:00,off')
    expect(rateAt(timetable, wednesday(8))).toBe(50 * M)
    expect(rateAt(timetable, wednesday(17, 59))).toBe(50 * M)
    expect(rateAt(timetable, wednesday(18))).toBeUndefined()
    // The evening's rate holds over midnight.
    expect(rateAt(timetable, wednesday(0))).toBeUndefined()
    expect(rateAt(timetable, wednesday(7, 59))).toBeUndefined()
  })

  it('days: from Friday evening to Monday morning as fast as it goes', () => {
    const timetable = parseBandwidthTimetable('Mon-08:00,50M Fri-18:00,off')
    expect(rateAt(timetable, wednesday(3))).toBe(50 * M)
    expect(rateAt(timetable, new Date(2026, 10, 21, 12, 0))).toBeUndefined()
    expect(rateAt(timetable, new Date(2026, 10, 23, 7, 59))).toBeUndefined()
    expect(rateAt(timetable, new Date(2026, 10, 23, 8, 0))).toBe(50 * M)
  })

  it('an entry for one day wins over one for every day at the same minute', () => {
    const timetable = parseBandwidthTimetable('Wed-08:00,1M 08:00,2M')
    expect(rateAt(timetable, wednesday(8))).toBe(M)
    expect(rateAt(timetable, new Date(2026, 10, 19, 8, 0))).toBe(2 * M)
  })

  it.each([
    '',
    '0',
    '-1',
    '10k',
    '8:00',
    '08:00,',
    '24:00,1M',
    '08:60,1M',
    'Mit-08:00,1M',
    '08:00,1M 08:00,2M',
    '1M 2M',
    '08:00;1M',
  ])('%j is refused', (text) => {
    expect(() => parseBandwidthTimetable(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})

const entry: fc.Arbitrary<BandwidthEntry> = fc
  .record({
    minuteOfDay: fc.integer({ min: 0, max: 1439 }),
    day: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
    rate: fc.option(fc.integer({ min: MIN_RATE, max: 2 ** 45 }), { nil: undefined }),
  })
  .map(({ day, ...rest }) => (day === undefined ? rest : { ...rest, day }))
const timetables = fc.uniqueArray(entry, {
  minLength: 1,
  maxLength: 12,
  selector: ({ day, minuteOfDay }) => `${day} ${minuteOfDay}`,
})

describe('any timetable', () => {
  it('is what it was after it was written and read', () => {
    fc.assert(
      fc.property(timetables, (timetable) => {
        expect(parseBandwidthTimetable(serializeBandwidthTimetable(timetable))).toEqual(timetable)
      }),
    )
  })

  it('changes its rate only at its own times', () => {
    fc.assert(
      fc.property(timetables, fc.integer({ min: 1, max: 7 * 1440 - 1 }), (timetable, minute) => {
        const at = (minuteOfWeek: number): Date => new Date(2026, 10, 15, 0, minuteOfWeek)
        const [before, now] = [at(minute - 1), at(minute)]
        fc.pre(now.getTime() - before.getTime() === 60_000)
        const starts = timetable.some(
          ({ day, minuteOfDay }) =>
            (day === undefined || day === now.getDay()) &&
            minuteOfDay === now.getHours() * 60 + now.getMinutes(),
        )
        if (!starts) expect(rateAt(timetable, now)).toBe(rateAt(timetable, before))
      }),
    )
  })

  it('at the minute of an entry has its rate, unless the day has an entry of its own', () => {
    fc.assert(
      fc.property(timetables, (timetable) => {
        for (const { day, minuteOfDay, rate } of timetable) {
          const moment = new Date(2026, 10, 15 + (day ?? 3), 0, minuteOfDay)
          const ownEntry = timetable.find(
            (other) => other.minuteOfDay === minuteOfDay && other.day === moment.getDay(),
          )
          expect(rateAt(timetable, moment)).toBe(ownEntry === undefined ? rate : ownEntry.rate)
        }
      }),
    )
  })
})
