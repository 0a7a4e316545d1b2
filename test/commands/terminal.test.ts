import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPerson, type Person } from '../support/cli.ts'
import { type Answer, dialogue, HAS_TERMINAL } from '../support/terminal.ts'

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'

describe.skipIf(!HAS_TERMINAL)('at a terminal', () => {
  let person: Person

  beforeAll(async () => {
    person = await createPerson('http://127.0.0.1:9', { accessKeyId: 'none', secretAccessKey: 'none' })
    await person.json(['key', 'generate', 'animine'], { env: { C4GH_PASSPHRASE: 'correct horse' } })
    await person.json(['key', 'generate', 'open', '--no-passphrase'])
    await writeFile(join(person.home, 'reads.fastq'), Buffer.alloc(40_000_000, 'ACGT\n'))
  })
  afterAll(async () => {
    await person.leave()
  })

  const atTerminal = (
    command: string,
    ...answers: Answer[]
  ): Promise<{ code: number | null; output: string }> =>
    dialogue(person.home, `"${process.execPath}" "${BIN}" ${command}`, answers)

  it('a new passphrase is asked twice and never shown', async () => {
    const { code, output } = await atTerminal(
      'key generate new',
      ['new passphrase for new.sec:', 'battery staple\r'],
      ['the same again:', 'battery staple\r'],
    )
    expect({ code, output }).toEqual({ code: 0, output })
    expect(output).not.toContain('battery')
    await person.json(['key', 'show', 'new.sec'], { env: { C4GH_PASSPHRASE: 'battery staple' } })
  })

  it('another passphrase is asked after the old one, twice, and nothing of them is shown', async () => {
    await person.json(['key', 'generate', 'other'], { env: { C4GH_PASSPHRASE: 'correct horse' } })
    const { code, output } = await atTerminal(
      'key passphrase other.sec',
      ['passphrase of other.sec:', 'correct horse\r'],
      ['new passphrase for other.sec:', 'battery staple\r'],
      ['the same again:', 'battery staple\r'],
    )
    expect({ code, output }).toEqual({ code: 0, output })
    expect(output).not.toMatch(/battery|horse/)
    await person.json(['key', 'show', 'other.sec'], { env: { C4GH_PASSPHRASE: 'battery staple' } })
    const slip = await atTerminal(
      'key passphrase other.sec',
      ['passphrase of other.sec:', 'battery staple\r'],
      ['new passphrase', '\r'],
    )
    expect(slip).toMatchObject({ code: 2, output: expect.stringContaining('--remove') as string })
  })

  it('two different ones, or an empty one, make no key', async () => {
    const slip = await atTerminal('key generate slip', ['new passphrase', 'one\r'], ['again', 'two\r'])
    expect(slip).toMatchObject({ code: 2, output: expect.stringContaining('differ') as string })
    const empty = await atTerminal('key generate slip', ['new passphrase', '\r'])
    expect(empty).toMatchObject({ code: 2, output: expect.stringContaining('--no-passphrase') as string })
    expect((await readdir(person.home)).filter((name) => name.includes('slip'))).toEqual([])
  })

  it('the right passphrase opens a key, a wrong one does not', async () => {
    expect(await atTerminal('key show animine.sec', ['passphrase', 'correct horse\r'])).toMatchObject({
      code: 0,
    })
    expect(await atTerminal('key show animine.sec', ['passphrase', 'wrong\r'])).toMatchObject({ code: 12 })
  })

  it.each([
    ['Ctrl-C', CTRL_C, 130],
    ['Ctrl-D', CTRL_D, 12],
  ])('%s instead of a passphrase ends the command', async (_, answer, code) => {
    expect(await atTerminal('key show animine.sec', ['passphrase', answer])).toMatchObject({ code })
  })

  it('a passphrase is asked at the terminal while stdin carries a file', async () => {
    const encrypted = ['encrypt', 'reads.fastq', '--to', 'animine.pub', '--output', 'piped.c4gh']
    await person.json(encrypted)
    const { code } = await atTerminal('decrypt - --identity animine.sec --output piped.fastq <piped.c4gh', [
      'passphrase',
      'correct horse\r',
    ])
    expect(code).toBe(0)
  })

  it('progress is a bar with bytes, rate and time left; --quiet and --json show none', async () => {
    const encrypt = 'encrypt reads.fastq --to open.pub --force'
    const { code, output } = await atTerminal(encrypt)
    expect(code).toBe(0)
    expect(output).toMatch(/100% \[=+\] 38\.1 MiB of 38\.1 MiB {2}.*\/s {2}ETA/)
    expect((await atTerminal(`${encrypt} --quiet`)).output).not.toContain('%')
    expect((await atTerminal(`${encrypt} --json`)).output).not.toContain('%')
  })

  it('encrypted bytes are not thrown at a terminal', async () => {
    const run = await atTerminal('encrypt reads.fastq --to open.pub --output -')
    expect(run).toMatchObject({ code: 2, output: expect.stringContaining('--output FILE') as string })
  })
})
