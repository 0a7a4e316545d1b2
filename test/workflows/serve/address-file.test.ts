import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { removeEarlierAddress, writeAddressFile } from '../../../src/workflows/serve/address-file.ts'

const ADDRESS = `http://127.0.0.1:8123/${'t'.repeat(43)}/reads.bam`

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-address-'))
  file = join(folder, 'url')
})
afterEach(() => rm(folder, { recursive: true }))

it('holds the address for its owner alone, and goes with it', async () => {
  const remove = await writeAddressFile(file, ADDRESS)
  expect(await readFile(file, 'utf8')).toBe(`${ADDRESS}\n`)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  await remove()
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' })
  await remove()
})

it('replaces what a run left that was killed, and leaves that of a later run', async () => {
  const remove = await writeAddressFile(file, ADDRESS)
  const later = ADDRESS.replace('8123', '8124')
  await writeAddressFile(file, later)
  await remove()
  expect(await readFile(file, 'utf8')).toBe(`${later}\n`)
})

it('is removed at the start when a run left it that was killed', async () => {
  await removeEarlierAddress(file)
  await writeAddressFile(file, ADDRESS)
  await removeEarlierAddress(file)
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' })
})

it('never replaces another file', async () => {
  for (const content of ['', 'my notes', `${ADDRESS}\nand more\n`, 'x'.repeat(100_000)]) {
    await writeFile(file, content)
    const refused = { code: expect.stringMatching(/FILE_EXISTS|USAGE/) as string }
    await expect(writeAddressFile(file, ADDRESS)).rejects.toMatchObject(refused)
    await expect(removeEarlierAddress(file)).rejects.toMatchObject(refused)
    expect(await readFile(file, 'utf8')).toBe(content)
  }
})
