/** The programs of docs/library.md, run as they stand there. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plain } from './crypto/vectors.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PROGRAMS = ['keygen.mjs', 'encrypt.mjs', 'decrypt.mjs', 'range.mjs', 'reencrypt.mjs']
const PLAINTEXT = plain(200_000)

describe('the programs of docs/library.md', () => {
  let folder: string
  beforeAll(() => {
    // Inside the package: from there its own name leads to what it exports.
    mkdirSync(join(ROOT, '.tmp'), { recursive: true })
    folder = mkdtempSync(join(ROOT, '.tmp', 'library-'))
    const page = readFileSync(join(ROOT, 'docs', 'library.md'), 'utf8')
    for (const [, code = '', name = ''] of page.matchAll(/```js\n(\/\/ (\S+).*?)```/gs)) {
      writeFileSync(join(folder, name), code)
    }
    writeFileSync(join(folder, 'plain'), PLAINTEXT)
    for (const name of ['alice', 'bob']) run('keygen.mjs', name)
    run('encrypt.mjs', 'plain', 'encrypted', 'alice.pub', 'bob.pub')
  })
  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it.each(['alice', 'bob'])('encrypt for two readers, of whom %s decrypts', (name) => {
    run('decrypt.mjs', 'encrypted', `plain-of-${name}`, `${name}.sec`)
    expect(Buffer.compare(readFileSync(join(folder, `plain-of-${name}`)), PLAINTEXT)).toBe(0)
  })

  it('say why, and leave nothing, when a file is damaged', () => {
    const damaged = readFileSync(join(folder, 'encrypted'))
    damaged[150_000]! ^= 1
    writeFileSync(join(folder, 'damaged'), damaged)
    const { status, stderr } = spawnSync(...program('decrypt.mjs', 'damaged', 'never', 'alice.sec'))
    expect(status).toBe(1)
    expect(stderr.toString()).toMatch(/^AUTHENTICATION_FAILED: segment 2 /)
    expect(() => readFileSync(join(folder, 'never'))).toThrow('ENOENT')
    expect(() => readFileSync(join(folder, 'never.partial'))).toThrow('ENOENT')
  })

  it('read a range', () => {
    const range = run('range.mjs', 'encrypted', 'alice.sec', '65530', '70000')
    expect(Buffer.compare(range, PLAINTEXT.subarray(65_530, 135_530))).toBe(0)
  })

  it('give a file to another reader', () => {
    run('keygen.mjs', 'carol')
    run('reencrypt.mjs', 'encrypted', 'for-carol', 'bob.sec', 'carol.pub')
    run('decrypt.mjs', 'for-carol', 'plain-of-carol', 'carol.sec')
    expect(Buffer.compare(readFileSync(join(folder, 'plain-of-carol')), PLAINTEXT)).toBe(0)
    expect(spawnSync(...program('decrypt.mjs', 'for-carol', 'never', 'bob.sec')).stderr.toString()).toMatch(
      /^NO_MATCHING_KEY/,
    )
  })

  it('are all of those that the page has for Node', () => {
    const page = readFileSync(join(ROOT, 'docs', 'library.md'), 'utf8')
    expect([...page.matchAll(/^\/\/ (\S+\.mjs)/gm)].map(([, name]) => name)).toEqual(PROGRAMS)
  })

  function run(name: string, ...parameters: string[]): Buffer {
    return execFileSync(...program(name, ...parameters))
  }

  function program(
    name: string,
    ...parameters: string[]
  ): [string, string[], { cwd: string; env: NodeJS.ProcessEnv }] {
    return [
      process.execPath,
      [name, ...parameters],
      { cwd: folder, env: { KEY_PASSPHRASE: 'correct horse' } },
    ]
  }
})
