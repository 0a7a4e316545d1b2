import { expect, it } from 'vitest'
import { withoutSecrets } from '../../src/cli/journal-settings.ts'

it('a command that prints a passphrase is not written to disk, in either spelling', () => {
  const words = ['upload', 'run', 's3://b/', '--to', 'a.pub']
  expect(withoutSecrets([...words, '--passphrase-command', 'echo hunter2', '--md5'])).toEqual([
    ...words,
    '--md5',
  ])
  expect(withoutSecrets(['upload', '--passphrase-command=echo hunter2', ...words.slice(1)])).toEqual(words)
})
