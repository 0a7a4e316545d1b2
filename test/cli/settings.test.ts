import { homedir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { configDir } from '../../src/cli/settings.ts'

describe('the configuration folder', () => {
  it.each([
    [{ SEALIFT_CONFIG_DIR: '/a/b', XDG_CONFIG_HOME: '/x' }, '/a/b'],
    [{ XDG_CONFIG_HOME: '/x' }, '/x/sealift'],
    [{ XDG_CONFIG_HOME: 'relative' }, `${homedir()}/.config/sealift`],
    [{ SEALIFT_CONFIG_DIR: '', XDG_CONFIG_HOME: '' }, `${homedir()}/.config/sealift`],
    [{}, `${homedir()}/.config/sealift`],
  ])('%j gives %s', (env, folder) => {
    expect(configDir(env)).toBe(folder)
  })
})
