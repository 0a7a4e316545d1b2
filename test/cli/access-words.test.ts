import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { takeAccessWords } from '../../src/cli/access-words.ts'

const P = 'project_2000111'

describe('the words of a-access', () => {
  it.each([
    ['+r', true, 'read'],
    ['+read', true, 'read'],
    ['+w', true, 'write'],
    ['+write', true, 'write'],
    ['+rw', true, 'read-write'],
    ['+wr', true, 'read-write'],
    ['+read-write', true, 'read-write'],
    ['-r', false, 'read'],
    ['-read', false, 'read'],
    ['-w', false, 'write'],
    ['-write', false, 'write'],
    ['-rw', false, 'read-write'],
    ['-wr', false, 'read-write'],
    ['-read-write', false, 'read-write'],
  ])('%s', (word, give, permission) => {
    const words = { give, permission, project: P }
    expect(takeAccessWords([word, P, 'inbox'])).toEqual({ words, rest: ['inbox'] })
    expect(takeAccessWords(['inbox', word, P, '--json']), 'anywhere').toEqual({
      words,
      rest: ['inbox', '--json'],
    })
  })

  it('may be missing; its option for S3 means nothing here', () => {
    expect(takeAccessWords(['-S', 'inbox', '-q'])).toEqual({ words: undefined, rest: ['inbox', '-q'] })
  })

  it.each([
    [['+rw']],
    [['+rw', '-r', 'inbox']],
    [['+r', P, '+w', P, 'inbox']],
    [['+p', 'inbox']],
    [['-public', 'inbox']],
    [['-A', '+r', P, 'inbox']],
  ])('%j is refused', (argv) => {
    expect(() => takeAccessWords(argv)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error)
  })

  it('leave everything else as it is', () => {
    const other = fc.string().filter((word) => !/^[+-]/.test(word) || word.startsWith('--p'))
    fc.assert(
      fc.property(fc.array(other), fc.nat(), (rest, position) => {
        const at = position % (rest.length + 1)
        const taken = takeAccessWords([...rest.slice(0, at), '-rw', P, ...rest.slice(at)])
        expect(taken).toEqual({ words: { give: false, permission: 'read-write', project: P }, rest })
      }),
    )
  })
})
