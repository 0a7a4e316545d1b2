import { homedir } from 'node:os'
import { expect, it } from 'vitest'
import { headersFolder } from '../../src/cli/settings.ts'

it.each([
  [{ SEALIFT_CACHE_DIR: '/a/b', XDG_CACHE_HOME: '/x' }, '/a/b/headers'],
  [{ XDG_CACHE_HOME: '/x' }, '/x/sealift/headers'],
  [{ XDG_CACHE_HOME: 'relative' }, `${homedir()}/.cache/sealift/headers`],
  [{ SEALIFT_CACHE_DIR: '' }, `${homedir()}/.cache/sealift/headers`],
])('headers are kept, with %j, in %s', (env, folder) => {
  expect(headersFolder(env)).toBe(folder)
})
