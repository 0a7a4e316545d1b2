import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pathFilter } from '../../src/workflows/path-filter.ts'

const PATHS = [
  'reads.bam',
  'run_1/reads.bam',
  'run_1/reads.bam.bai',
  'run_1/tmp/scratch.txt',
  'run_2/deep/er/reads.bam',
  '.git/config',
  'run_1/.hidden',
  'two\nlines/a.bam',
]

function meant(include: string[], exclude: string[]): string[] {
  return PATHS.filter(pathFilter(include, exclude))
}

describe('the paths that patterns mean', () => {
  it('are all paths without patterns', () => {
    expect(meant([], [])).toEqual(PATHS)
  })

  it('are those whose name matches at any depth, for a pattern without a slash', () => {
    expect(meant(['*.bam'], [])).toEqual([
      'reads.bam',
      'run_1/reads.bam',
      'run_2/deep/er/reads.bam',
      'two\nlines/a.bam',
    ])
  })

  it('are those below a folder that a pattern names', () => {
    expect(meant(['run_1'], ['tmp/'])).toEqual(['run_1/reads.bam', 'run_1/reads.bam.bai', 'run_1/.hidden'])
    expect(meant([], ['.git', 'run_?'])).toEqual(['reads.bam', 'two\nlines/a.bam'])
  })

  it('are those whose whole path matches, for a pattern with a slash', () => {
    expect(meant(['run_1/*.bam'], [])).toEqual(['run_1/reads.bam'])
    expect(meant(['/reads.bam'], [])).toEqual(['reads.bam'])
    expect(meant(['run_*/**/*.bam'], [])).toEqual(['run_1/reads.bam', 'run_2/deep/er/reads.bam'])
    expect(meant(['**/a.bam'], [])).toEqual(['two\nlines/a.bam'])
    expect(meant([], ['run_1/tmp'])).not.toContain('run_1/tmp/scratch.txt')
  })

  it('are never those that are excluded, whatever else includes them', () => {
    expect(meant(['*.bam', 'reads.bam'], ['reads.bam'])).toEqual(['two\nlines/a.bam'])
    expect(meant(['*'], ['*'])).toEqual([])
  })

  it('take names with dots in front, braces and sets as shells do', () => {
    expect(meant(['*.{bai,txt}'], [])).toEqual(['run_1/reads.bam.bai', 'run_1/tmp/scratch.txt'])
    expect(meant(['run_[2-9]'], [])).toEqual(['run_2/deep/er/reads.bam'])
    expect(meant(['*hidden'], [])).toEqual(['run_1/.hidden'])
    expect(pathFilter(['\\[a\\]'], [])('[a]')).toBe(true)
  })

  it.each(['', '/', '!*.bam', '[a', 'a{b', 'a(b', '../up', './here'])(
    'are refused when the pattern can not be understood: %j',
    (pattern) => {
      expect(() => pathFilter([pattern], [])).toThrow(expect.objectContaining({ code: 'USAGE' }))
      expect(() => pathFilter([], [pattern])).toThrow(expect.objectContaining({ code: 'USAGE' }))
    },
  )

  it('are refused when the pattern is longer than any path', () => {
    expect(() => pathFilter(['x'.repeat(70_000)], [])).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  it('agree with a matcher that tries every way, for patterns of letters, ? and *', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), minLength: 1, maxLength: 5 })
    const usual = pattern.filter((text) => !/^\.\.?$|\*\*/.test(text))
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 4 })
    const names = fc.array(
      name.filter((text) => text !== '.' && text !== '..'),
      { minLength: 1, maxLength: 3 },
    )
    fc.assert(
      fc.property(usual, names, (glob, path) => {
        expect(pathFilter([glob], [])(path.join('/'))).toBe(path.some((each) => naive(glob, each)))
        expect(pathFilter([], [glob])(path.join('/'))).toBe(!path.some((each) => naive(glob, each)))
      }),
      { numRuns: 2000 },
    )
  })
})

function naive(glob: string, name: string): boolean {
  if (glob === '') return name === ''
  const rest = glob.slice(1)
  if (glob.startsWith('*')) return naive(rest, name) || (name !== '' && naive(glob, name.slice(1)))
  return (
    name !== '' && (glob.startsWith('?') || name.startsWith(glob.charAt(0))) && naive(rest, name.slice(1))
  )
}
