import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Parser } from '@oclif/core'
import { expect, it } from 'vitest'
import { startTransfer, transferFlags } from '../../src/cli/transfer-flags.ts'

const parsed = async (...argv: string[]) => {
  const { flags } = await Parser.parse(argv, { flags: transferFlags, strict: true })
  return flags
}
const silent = (): void => undefined

it('without flags nothing is slowed down or logged, and a store is waited for a quarter of an hour', async () => {
  const settings = await startTransfer(await parsed(), silent)
  expect(settings).toMatchObject({ pace: undefined, onEvent: undefined, retryFor: 900 })
  await settings.close()
})

it('--bwlimit gives a pace, unless it is off all the time', async () => {
  for (const limit of ['200M', '08:00,50M 18:00,off']) {
    const { pace } = await startTransfer(await parsed('--bwlimit', limit), silent)
    expect(pace).toHaveProperty('take')
  }
  const { pace } = await startTransfer(await parsed('--bwlimit', 'off'), silent)
  expect(pace).toBeUndefined()
})

it('--log takes the events, and --retry-for, --workers and --memory are numbers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sealift-log-'))
  const log = join(folder, 'log')
  const flags = await parsed('--log', log, '--retry-for', '2h', '--workers', '2', '--memory', '512MiB')
  const settings = await startTransfer(flags, silent)
  expect(settings).toMatchObject({ retryFor: 7200, workers: 2, memory: 512 * 1024 ** 2 })
  settings.onEvent?.({ event: 'started' })
  await settings.close()
  expect(await readFile(log, 'utf8')).toContain('"event":"started"')
  await rm(folder, { recursive: true })
})

it.each([
  ['--bwlimit', '10k'],
  ['--bwlimit', '8 Uhr'],
  ['--retry-for', '15'],
  ['--workers', '-1'],
  ['--memory', 'much'],
])('%s %s is refused', async (...argv) => {
  await expect(parsed(...argv)).rejects.toThrow()
})

it('a log that could not be written is told at the end, and only then', async () => {
  const said: string[] = []
  const settings = await startTransfer(await parsed('--log', '/dev/full'), (message) => said.push(message))
  settings.onEvent?.({ event: 'started' })
  expect(said).toEqual([])
  await settings.close()
  expect(said.join()).toContain('incomplete')
})
