import { CLIError } from '@oclif/core/errors'
import { describe, expect, it } from 'vitest'
import { failureJson, failureOf, failureText } from '../../src/cli/failure.ts'
import { AppError } from '../../src/util/errors.ts'

describe('an expected failure', () => {
  const error = new AppError('OBJECT_NOT_FOUND', 'there is no object reads.bam', {
    hints: ['look with ls'],
    cause: new TypeError('404 from the server'),
  })

  it('is an error line, hint lines and the exit code of its code', () => {
    expect(failureText(failureOf(error), false)).toBe(
      'error: there is no object reads.bam\nhint: look with ls',
    )
    expect(failureOf(error).exitCode).toBe(10)
  })

  it('shows its code and causes when asked for more, but no stack', () => {
    expect(failureText(failureOf(error), true)).toBe(
      [
        'error: there is no object reads.bam',
        'code: OBJECT_NOT_FOUND',
        'caused by: TypeError: 404 from the server',
        'hint: look with ls',
      ].join('\n'),
    )
  })

  it('is one JSON document for programs', () => {
    expect(failureJson(failureOf(error))).toEqual({
      error: {
        code: 'OBJECT_NOT_FOUND',
        message: 'there is no object reads.bam',
        hints: ['look with ls'],
      },
    })
  })

  it('gets a general hint when it brought none', () => {
    const { hints } = failureOf(new AppError('OBJECT_EXISTS', 'reads.bam is there already'))
    expect(hints).toEqual([expect.stringContaining('--force')])
  })

  it('carries what was found all the same, for programs', () => {
    const withResult = Object.assign(new AppError('STILL_ACCESSIBLE', 'a way in remains'), {
      result: { remaining: ['bucket ACL'] },
    })
    expect(failureJson(failureOf(withResult))).toMatchObject({ result: { remaining: ['bucket ACL'] } })
  })

  it('cannot send escape sequences to the terminal', () => {
    const hostile = new AppError('STORE_FAILURE', 'the server said \u001b[2J', { hints: ['\u001b]0;x'] })
    expect(failureText(failureOf(hostile), true)).not.toContain('\u001b')
  })

  it('with causes in a circle still ends', () => {
    const circular = new AppError('STORE_FAILURE', 'round and round')
    circular.cause = circular
    expect(failureOf(circular).causes.length).toBeLessThan(20)
  })
})

describe('a bug', () => {
  it('says so, and shows where only with --verbose', () => {
    const bug = failureOf(new TypeError('x is not a function'))
    expect(bug).toMatchObject({ code: 'BUG', exitCode: 1 })
    expect(failureText(bug, false)).toMatch(/^error: unexpected TypeError: x is not a function\nhint: .*bug/)
    expect(failureText(bug, false)).not.toContain('failure.test')
    expect(failureText(bug, true)).toContain('failure.test')
  })

  it('may be anything that was thrown', () => {
    expect(failureOf('text').message).toContain('text')
    expect(failureOf(undefined)).toMatchObject({ code: 'BUG', exitCode: 1 })
  })
})

describe('system errors that no layer named', () => {
  it.each([
    ['ENOSPC', 'DISK_FULL', 1],
    ['ENOENT', 'FILE_NOT_FOUND', 10],
    ['EACCES', 'FILE_UNREADABLE', 1],
    ['EPIPE', 'OUTPUT_CLOSED', 1],
  ])('%s is %s, not a bug', (errno, code, exitCode) => {
    expect(failureOf(Object.assign(new TypeError('write'), { code: errno }))).toMatchObject({
      code,
      exitCode,
    })
  })
})

describe('a wrong command line', () => {
  it('keeps the sentence of a flag that could not read its value', () => {
    const error = new AppError('INVALID_RANGE', 'not a range of bytes: 1-2', { hints: ['write 1:2'] })
    error.message = `Parsing --bytes \n\t${error.message}\nSee more help with --help`
    expect(failureText(failureOf(error), false)).toBe(
      'error: --bytes: not a range of bytes: 1-2\nhint: write 1:2',
    )
  })

  it.each([
    ['Nonexistent flag: --frob\nSee more help with --help', 'unknown flag --frob'],
    ['Unexpected argument: b\nSee more help with --help', 'unexpected argument b'],
    [
      'Missing 2 required args:\nSOURCE  files and folders\nTARGET  where to\n\nNote: --to allows\nSee more help with --help',
      'missing argument SOURCE files and folders, TARGET where to',
    ],
    [
      'The following error occurred:\n  Missing required flag for\nSee more help with --help',
      'missing flag --for',
    ],
    [
      'The following errors occurred:\n  Missing required flag for\n  Missing required flag project\nSee more help with --help',
      'missing flag --for; missing flag --project',
    ],
    ['Flag --to expects a value', 'flag --to expects a value'],
    ['command key:shw not found', 'unknown command key shw'],
  ])('%j', (oclifs, ours) => {
    const failure = failureOf(new CLIError(oclifs))
    expect(failure).toMatchObject({ code: 'USAGE', message: ours, exitCode: 2 })
    expect(failure.hints).toEqual([expect.stringContaining('--help')])
  })
})
