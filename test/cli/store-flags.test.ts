import { afterEach, describe, expect, it, vi } from 'vitest'
import { storeFlags, storeSettings } from '../../src/cli/store-flags.ts'
import { PROVIDER_NAMES } from '../../src/storage/provider/provider.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('the kind of server on the command line', () => {
  it('is any that there is a profile of', () => {
    expect(storeFlags.provider.options).toEqual(PROVIDER_NAMES)
  })

  it('counts before SEALIFT_PROVIDER, which may be left out or empty', () => {
    vi.stubEnv('SEALIFT_PROVIDER', 'swift')
    expect(storeSettings({}).provider).toBe('swift')
    expect(storeSettings({ provider: 'minio' }).provider).toBe('minio')
    vi.stubEnv('SEALIFT_PROVIDER', '')
    expect(storeSettings({}).provider).toBeUndefined()
  })

  it('is refused in SEALIFT_PROVIDER when it is none', () => {
    vi.stubEnv('SEALIFT_PROVIDER', 'cephh')
    expect(() => storeSettings({})).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error)
  })
})
