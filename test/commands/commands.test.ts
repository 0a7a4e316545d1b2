import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPerson, type Person } from '../support/cli.ts'

interface Manifest {
  commands: Record<string, ManifestCommand>
}

interface ManifestCommand {
  summary?: string
  description?: string
  examples?: { description: string; command: string }[]
  args: Record<string, { description?: string; required?: boolean }>
  flags: Record<string, { description?: string; char?: string; options?: string[]; required?: boolean }>
}

const manifest = JSON.parse(
  await readFile(new URL('../../oclif.manifest.json', import.meta.url), 'utf8'),
) as Manifest
const commands = Object.entries(manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1))

/** A lower-case fragment: no capital (but names and abbreviations), no full stop. */
const FRAGMENT = /^(?!\p{Lu}\p{Ll}).*[^.]$/u

it('commands, arguments and flags are those of the snapshot: removing one breaks scripts', async () => {
  const names = commands.map(([id, { args, flags }]) => [
    id.replaceAll(':', ' '),
    {
      args: Object.entries(args).map(([name, { required }]) => (required === true ? name : `[${name}]`)),
      flags: Object.entries(flags)
        .map(([name, { char, options }]) =>
          [char === undefined ? '' : `-${char}, `, `--${name}`, options ? `=${options.join('|')}` : ''].join(
            '',
          ),
        )
        .sort(),
    },
  ])
  const snapshot = `${JSON.stringify(Object.fromEntries(names), undefined, 2)}\n`
  await expect(snapshot).toMatchFileSnapshot('command-snapshot.json')
})

describe.each(commands)('%s', (id, command) => {
  it('has a summary, a description, and examples that say what they are for', () => {
    expect(command.summary).toMatch(FRAGMENT)
    expect(command.description).not.toBe('')
    expect(command.examples).not.toHaveLength(0)
    for (const example of command.examples ?? []) {
      expect(example.description).toMatch(FRAGMENT)
      expect(example.command).toContain(`<%= config.bin %> ${id.replaceAll(':', ' ')}`)
      expect(example.command, 'long flags need no looking up').not.toMatch(/bin %>[^|]* -[a-z]\b/)
    }
  })

  it('describes every argument and flag in a fragment', () => {
    for (const { description } of [...Object.values(command.args), ...Object.values(command.flags)]) {
      expect(description).toMatch(FRAGMENT)
    }
  })
})

describe('help', () => {
  let person: Person

  beforeAll(async () => {
    person = await createPerson('http://127.0.0.1:9', { accessKeyId: 'none', secretAccessKey: 'none' })
  })
  afterAll(async () => {
    await person.leave()
  })

  it.each(commands.map(([id]) => id.split(':')))('of %s %s shows usage and examples', async (...words) => {
    const run = await person.sealift([...words.filter((word) => typeof word === 'string'), '--help'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toContain(`$ sealift ${words.join(' ').trim()}`)
    expect(run.stdout).toContain('EXAMPLES')
  })

  it('of the program lists topics and commands', async () => {
    const run = await person.sealift(['--help'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    for (const word of ['access', 'bucket', 'key', 'project', 'upload', 'download']) {
      expect(run.stdout).toContain(word)
    }
  })

  it('--version names the program and its version', async () => {
    const run = await person.sealift(['--version'])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/^sealift\/\d+\.\d+\.\d+/)
  })
})
