import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { EXIT, EXIT_CODES } from '../../src/cli/exit-codes.ts'

describe('exit codes', () => {
  it('of failures are never 0', () => {
    expect(Object.entries(EXIT_CODES).filter(([, code]) => code === EXIT.done)).toEqual([])
  })

  it('are those of the manual, code by code', async () => {
    const manual = await readFile(new URL('../../docs/exit-codes.md', import.meta.url), 'utf8')
    const rows = [...manual.matchAll(/^\| (\d+) +\| .*? \| (.*?) +\|$/gm)]
    const documented: Record<string, number> = Object.fromEntries(
      rows.flatMap(([, exitCode, codes]) =>
        [...(codes ?? '').matchAll(/`([A-Z0-9_]+)`/g)].map(([, code]): [string, number] => [
          code ?? '',
          Number(exitCode),
        ]),
      ),
    )
    expect(documented).toEqual({ ...EXIT_CODES, BUG: EXIT.failure })
    expect(new Set(rows.map(([, exitCode]) => Number(exitCode)))).toEqual(new Set(Object.values(EXIT)))
  })
})
