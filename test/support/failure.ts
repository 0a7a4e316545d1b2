import { expect } from 'vitest'

import type { CliRun } from './cli.ts'

export interface ExpectedFailure {
  /** The exit code (docs/exit-codes.md). */
  code: number
  /** What the `error:` line says. */
  error: RegExp
  /** What a `hint:` line says; that there is one is always expected. */
  hint?: RegExp | undefined
}

/** Expects that a command failed as a person can understand: exit code, sentence, way on, and no stack trace. */
export function expectFailure(run: CliRun, { code, error, hint = /./ }: ExpectedFailure): void {
  const lines = run.stderr.split('\n')
  const sentences = (prefix: string): string => lines.filter((line) => line.startsWith(prefix)).join('\n')
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code, stderr: run.stderr })
  expect(sentences('error: ')).toMatch(error)
  expect(sentences('hint: ')).toMatch(hint)
  expect(lines.filter((line) => /^\s+at .*[:)]\d*/.test(line))).toEqual([])
}
