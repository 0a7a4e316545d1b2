import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'

import { BINS } from '../support/programs.ts'
import { findProgram, missing } from '../support/requirements.ts'

/**
 * The folder `tests` of the reference implementation (EGA-archive/crypt4gh 1.8.6). Its files are not ours to pass on,
 * and no package has them: who wants to run them gets them and names the folder.
 */
const suite = process.env['SEALIFT_TEST_BATS_DIR'] ?? ''
const skipped = suite === '' ? 'SEALIFT_TEST_BATS_DIR does not name it' : missing('crypt4gh-python')

/** What the suite of 1.8.6 consists of. */
const STORIES = 15
const CRYPT4GH_CALLS = 36

describe.skipIf(skipped !== undefined)(
  `the reference's own test suite${skipped ? `; ${skipped}` : ''}`,
  () => {
    it('passes with our crypt4gh first on PATH', { timeout: 300_000 }, async () => {
      const home = await mkdtemp(join(tmpdir(), 'sealift-bats-'))
      try {
        // It writes beside its own files.
        await cp(suite, join(home, 'tests'), { recursive: true })
        const calls = join(home, 'calls')
        await program(
          home,
          'crypt4gh',
          `echo "$1" >>"${calls}"; exec "${process.execPath}" "${BINS.crypt4gh}" "$@"`,
        )
        // One story makes its file with a script that imports the reference's package.
        await program(
          home,
          'python',
          `exec "${findProgram('crypt4gh')!.replace(/crypt4gh$/, 'python')}" "$@"`,
        )
        const env = { PATH: `${home}:${process.env['PATH'] ?? ''}`, HOME: home }
        const bats = spawn('bats', ['--tap', 'tests'], {
          cwd: home,
          env,
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        const [report] = await Promise.all([text(bats.stdout), once(bats, 'close')])
        const verdicts = report.split('\n').filter((line) => /^(not )?ok /.test(line))
        expect(
          verdicts.filter((line) => line.startsWith('not ok')),
          report,
        ).toEqual([])
        expect(verdicts, report).toHaveLength(STORIES)
        expect(bats.exitCode).toBe(0)
        expect((await readFile(calls, 'utf8')).trim().split('\n')).toHaveLength(CRYPT4GH_CALLS)
      } finally {
        await rm(home, { recursive: true })
      }
    })
  },
)

async function program(folder: string, name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, name), 0o755)
}
