import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPerson, type Person } from '../support/cli.ts'
import { expectFailure } from '../support/failure.ts'

const PASSPHRASE = { C4GH_PASSPHRASE: 'correct horse' }
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/
const WORDS = /(?:[a-z]{4,8}-){9}[a-z]{4,8}/

let person: Person

beforeEach(async () => {
  person = await createPerson('http://127.0.0.1:9', { accessKeyId: 'none', secretAccessKey: 'none' })
})
afterEach(async () => {
  await person.leave()
})

async function modeOf(file: string): Promise<number> {
  return (await stat(join(person.home, file))).mode & 0o777
}

describe('key generate', () => {
  it('writes a pair, the secret key for its owner alone, and prints the fingerprint', async () => {
    const run = await person.sealift(['key', 'generate', 'animine'], { env: PASSPHRASE })
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(await modeOf('animine.sec')).toBe(0o600)
    expect(await modeOf('animine.pub')).toBe(0o644)
    const fingerprint = /SHA256:\S+/.exec(run.stdout)?.[0] ?? ''
    expect(fingerprint).toMatch(FINGERPRINT)
    const words = WORDS.exec(run.stdout)?.[0]
    const { keys } = (await person.json(['key', 'show', 'animine.pub', 'animine.sec'], {
      env: PASSPHRASE,
    })) as {
      keys: unknown[]
    }
    expect(keys).toEqual([
      { file: 'animine.pub', type: 'public', kind: 'crypt4gh', fingerprint, words },
      { file: 'animine.sec', type: 'secret', kind: 'crypt4gh', fingerprint, words, encrypted: true },
    ])
  })

  it('gives JSON for programs, without anything secret', async () => {
    const result = await person.json(['key', 'generate', 'animine', '--comment', 'of the lab'], {
      env: PASSPHRASE,
    })
    expect(result).toEqual({
      secretKeyFile: 'animine.sec',
      publicKeyFile: 'animine.pub',
      fingerprint: expect.stringMatching(FINGERPRINT) as string,
      words: expect.stringMatching(WORDS) as string,
      encrypted: true,
    })
  })

  it('never overwrites a key pair, not even half of one', async () => {
    await person.json(['key', 'generate', 'animine', '--no-passphrase'])
    const before = await readFile(join(person.home, 'animine.sec'))
    const again = await person.sealift(['key', 'generate', 'animine', '--no-passphrase'])
    expectFailure(again, { code: 14, error: /animine\.sec/, hint: /--force/ })
    await writeFile(join(person.home, 'half.pub'), 'mine')
    expectFailure(await person.sealift(['key', 'generate', 'half', '--no-passphrase']), {
      code: 14,
      error: /half\.pub/,
    })
    expect(await readFile(join(person.home, 'animine.sec'))).toEqual(before)
    await expect(stat(join(person.home, 'half.sec'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('takes the passphrase from a file or a command, and never from the command line', async () => {
    await writeFile(join(person.home, 'pass.txt'), 'correct horse\n')
    await person.json(['key', 'generate', 'animine', '--passphrase-file', 'pass.txt'])
    const show = ['key', 'show', 'animine.sec', '--passphrase-command']
    await person.json([...show, 'printf "correct %s" horse'])
    expectFailure(await person.sealift([...show, 'echo wrong']), { code: 12, error: /passphrase/ })
    expectFailure(await person.sealift([...show, 'exit 3']), { code: 12, error: /exit code 3/ })
    expectFailure(await person.sealift([...show, 'printf "a\\nb\\n"']), { code: 12, error: /one line/ })
    expectFailure(await person.sealift(['key', 'generate', 'other', '--passphrase', 'correct horse']), {
      code: 2,
      error: /--passphrase/,
    })
  })

  it('asks, and without a terminal says how else to give a passphrase', async () => {
    const run = await person.sealift(['key', 'generate', 'animine'])
    expectFailure(run, { code: 12, error: /animine\.sec/, hint: /C4GH_PASSPHRASE.*--passphrase-file/ })
    await expect(stat(join(person.home, 'animine.pub'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('key show', () => {
  it('knows the SD services by name, and nobody else', async () => {
    const { keys } = (await person.json(['key', 'show', '@csc-sd'])) as { keys: object[] }
    expect(keys).toMatchObject([{ file: '@csc-sd', type: 'public' }])
    expectFailure(await person.sealift(['key', 'show', '@nobody']), {
      code: 2,
      error: /@nobody/,
      hint: /@csc-sd/,
    })
  })

  it('shows a comment without obeying it', async () => {
    await person.json(['key', 'generate', 'animine', '--no-passphrase', '--comment', 'lab \u202egnp.exe'])
    const { stdout } = await person.sealift(['key', 'show', 'animine.sec'])
    expect(stdout).toContain('lab \\u202egnp.exe')
  })
})

describe('the address book', () => {
  it('starts empty, keeps what is added, and says what a change replaced', async () => {
    expect(await person.json(['project', 'list'])).toEqual({ projects: [] })
    expect((await person.sealift(['project', 'list'])).stdout).toContain('sealift project add')
    await person.json(['project', 'add', 'project_2000111', 'rgw:project_2000111'])
    const changed = await person.json(['project', 'add', 'project_2000111', 'rgw:tenant$project_2000111'])
    expect(changed).toMatchObject({ identity: 'rgw:tenant$project_2000111', previous: 'rgw:project_2000111' })
    expect(await person.json(['project', 'list'])).toEqual({
      projects: [{ name: 'project_2000111', identity: 'rgw:tenant$project_2000111' }],
    })
    expect(await modeOf('.config/sealift/projects.json')).toBe(0o600)
  })

  it('is where SEALIFT_CONFIG_DIR says', async () => {
    const env = { SEALIFT_CONFIG_DIR: join(person.home, 'elsewhere') }
    await person.json(['project', 'add', 'project_2000111', 'rgw:project_2000111'], { env })
    expect(await modeOf('elsewhere/projects.json')).toBe(0o600)
    expect(await person.json(['project', 'list'])).toEqual({ projects: [] })
  })

  it('refuses what is no identity', async () => {
    const run = await person.sealift(['project', 'add', 'project_2000111', 'project_2000111'])
    expectFailure(run, { code: 2, error: /not an identity/, hint: /rgw:UID/ })
  })

  it('is asked before any server: an unknown project is told at once', async () => {
    const run = await person.sealift(['bucket', 'open', 'animine-data-import-1', '--for', 'project_2000999'])
    expectFailure(run, { code: 10, error: /project_2000999/, hint: /project add/ })
  })
})
