import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPerson, type Person } from '../support/cli.ts'
import { expectFailure } from '../support/failure.ts'

let person: Person

beforeEach(async () => {
  person = await createPerson('http://127.0.0.1:9', { accessKeyId: 'none', secretAccessKey: 'none' })
})
afterEach(async () => {
  await person.leave()
})

const inHome = (file: string) => join(person.home, file)
const write = (file: string, content: string) => writeFile(inHome(file), content)

describe('key passphrase', () => {
  beforeEach(async () => {
    await person.json(['key', 'generate', 'animine', '--no-passphrase', '--comment', 'of the lab'])
    await write('first', 'correct horse\n')
    await write('second', 'battery staple\n')
  })

  const change = (...args: string[]) => person.sealift(['key', 'passphrase', 'animine.sec', ...args])

  it('adds, changes and removes one; the key, its comment and its mode stay', async () => {
    const show = async (...args: string[]) =>
      (await person.json(['key', 'show', 'animine.sec', ...args])) as { keys: object[] }
    const before = await show()
    expect((await change('--new-passphrase-file', 'first')).stdout).toMatch(/protected by the new passphrase/)
    const changed = await change('--passphrase-file', 'first', '--new-passphrase-file', 'second')
    expect(changed.stdout).toMatch(/old passphrase opens it no more/)
    expectFailure(await person.sealift(['key', 'show', 'animine.sec', '--passphrase-file', 'first']), {
      code: 12,
      error: /wrong passphrase/,
    })
    expect(await show('--passphrase-file', 'second')).toMatchObject({
      keys: [{ ...before.keys[0], encrypted: true }],
    })
    expect((await change('--passphrase-file', 'second', '--remove')).stdout).toMatch(/without passphrase now/)
    expect(await show()).toEqual(before)
    expect((await stat(inHome('animine.sec'))).mode & 0o777).toBe(0o600)
  })

  it('gives JSON', async () => {
    await chmod(inHome('animine.sec'), 0o400)
    const args = ['key', 'passphrase', 'animine.sec', '--new-passphrase-command', 'echo correct horse']
    expect(await person.json(args)).toEqual({
      file: 'animine.sec',
      fingerprint: expect.stringMatching(/^SHA256:/) as string,
      wasEncrypted: false,
      encrypted: true,
    })
    expect((await stat(inHome('animine.sec'))).mode & 0o777).toBe(0o400)
  })

  it('never takes C4GH_PASSPHRASE, the old one, for the new', async () => {
    const before = await readFile(inHome('animine.sec'))
    const env = { C4GH_PASSPHRASE: 'correct horse' }
    const run = await person.sealift(['key', 'passphrase', 'animine.sec'], { env })
    expectFailure(run, { code: 12, error: /animine\.sec/, hint: /--new-passphrase-file/ })
    expect(await readFile(inHome('animine.sec'))).toEqual(before)
  })
})

describe('key check', () => {
  it('says same, different or missing, and ends with 0, 14 or 10', async () => {
    await person.json(['key', 'generate', 'animine', '--no-passphrase'])
    await person.json(['key', 'generate', 'other', '--no-passphrase'])
    const check = async (published: string) => {
      const { code, stdout } = await person.sealift(['key', 'check', 'animine.sec', published, '--json'])
      const json = JSON.parse(stdout) as { state?: string; result?: { state: string } }
      return [code, json.state ?? json.result?.state]
    }
    expect(await check('animine.pub')).toEqual([0, 'same'])
    expect(await check('other.pub')).toEqual([14, 'different'])
    expect(await check('none.pub')).toEqual([10, 'missing'])
    expectFailure(await person.sealift(['key', 'check', 'animine.sec', 'other.pub']), {
      code: 14,
      error: /animine\.sec is SHA256:\S+, and other\.pub has another key: SHA256:/,
    })
    expectFailure(await person.sealift(['key', 'check', 'animine.pub', 'animine.pub']), {
      code: 2,
      error: /public key/,
    })
  })
})

describe('recipients', () => {
  async function sealedFor(...to: string[]): Promise<{ name: string; fingerprint: string }[]> {
    const args = to.flatMap((name) => ['--to', name])
    const result = await person.json(['encrypt', 'reads.bam', '--force', ...args])
    return (result as { recipients: { name: string; fingerprint: string }[] }).recipients
  }

  beforeEach(async () => {
    await write('reads.bam', 'reads')
    for (const name of ['animine', 'other']) await person.json(['key', 'generate', name, '--no-passphrase'])
  })

  it('of a file: one key a line, PEM blocks, comments', async () => {
    const [animine, other] = await Promise.all(
      ['animine.pub', 'other.pub'].map((file) => readFile(inHome(file), 'utf8')),
    )
    const line = animine!.split('\n')[1]!
    await write('group.txt', `# the group\n${line}\n\n  # and a guest\n${other!}${animine!}`)
    const recipients = await sealedFor('group.txt')
    expect(recipients).toHaveLength(2)
    expect(await sealedFor('animine.pub', 'other.pub')).toMatchObject(
      recipients.map(({ fingerprint }) => ({ fingerprint })),
    )
    await write('group.txt', `${line}\nthis is no key\n`)
    expectFailure(await person.sealift(['encrypt', 'reads.bam', '--force', '--to', 'group.txt']), {
      code: 2,
      error: /group\.txt \(key 2 of 2\)/,
    })
  })

  it("by name: the user's own, which count before the built-in ones", async () => {
    const [builtIn] = await sealedFor('@csc-sd')
    const folder = inHome('.config/sealift/recipients')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'csc-sd.pub'), await readFile(inHome('other.pub')))
    await writeFile(join(folder, 'animine.pub'), await readFile(inHome('animine.pub')))
    const [overridden, own] = await sealedFor('@csc-sd', '@animine')
    expect(overridden?.fingerprint).not.toBe(builtIn?.fingerprint)
    const { stdout } = await person.sealift(['key', 'show', '@csc-sd', '@animine'])
    expect(stdout).toContain(`${overridden!.fingerprint}  from ${join(folder, 'csc-sd.pub')}, instead of`)
    expect(stdout).toContain(own!.fingerprint)
    expectFailure(await person.sealift(['encrypt', 'reads.bam', '--to', '@nobody']), {
      code: 2,
      error: /@nobody/,
      hint: /recipients/,
    })
  })
})
