import { describe, expect, it } from 'vitest'
import { parseCommandLine } from '../../src/compat/command-line.ts'

const FLAGS = {
  sk: { value: true },
  recipient_pk: { value: true },
  header: { value: true },
  'header-only': {},
  trim: { short: 't' },
  help: { short: 'h' },
}

describe('command lines of the reference tool', () => {
  it('take flags anywhere, with = or without, and several times', () => {
    const line = parseCommandLine(
      ['--sk', 'a.sec', 'encrypt', '--recipient_pk=b', '-t', '--recipient_pk', 'c'],
      FLAGS,
    )
    expect(line.words).toEqual(['encrypt'])
    expect([...line.given].sort()).toEqual(['recipient_pk', 'sk', 'trim'])
    expect(line.value('sk')).toBe('a.sec')
    expect(line.values('recipient_pk')).toEqual(['b', 'c'])
    expect(line.value('header')).toBeUndefined()
  })

  it('take a flag shortened while it can only be one', () => {
    expect(parseCommandLine(['--rec=a=b', '--header', 'x'], FLAGS).values('recipient_pk')).toEqual(['a=b'])
    expect(parseCommandLine(['--header-o'], FLAGS).given).toContain('header-only')
    expect(() => parseCommandLine(['--he'], FLAGS)).toThrow(/--he may be --header or --header-only or --help/)
  })

  it.each([[['--unknown']], [['--sk']], [['-x']], [['--trim=yes']]])('refuse %j', (argv) => {
    expect(() => parseCommandLine(argv, FLAGS)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  it('refuse a second value where only one counts', () => {
    const line = parseCommandLine(['--sk', 'a', '--sk', 'b'], FLAGS)
    expect(() => line.value('sk')).toThrow(/several times/)
  })
})
