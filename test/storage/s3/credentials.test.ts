import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AppError } from '../../../src/util/errors.ts'
import { checkEndpoint } from '../../../src/storage/s3/connection.ts'
import { type ConnectionRequest, loadConnection } from '../../../src/storage/s3/credentials.ts'

let homeDirectory: string
beforeEach(async () => {
  homeDirectory = await mkdtemp(join(tmpdir(), 'sealift-home-'))
  await mkdir(join(homeDirectory, '.aws'))
})
afterEach(async () => {
  await rm(homeDirectory, { recursive: true })
})

const write = (file: 'credentials' | 'config', text: string) =>
  writeFile(join(homeDirectory, '.aws', file), text)
const load = (request: Partial<ConnectionRequest> = {}) =>
  loadConnection({ environment: {}, homeDirectory, otherSources: () => nothing, ...request })
const nothing = (): Promise<never> => Promise.reject(new Error('no other source'))
const KEYS = { AWS_ACCESS_KEY_ID: 'AK-env', AWS_SECRET_ACCESS_KEY: 'SK-env' }

describe('where the keys come from', () => {
  it('the environment', async () => {
    const { credentials } = await load({ environment: { ...KEYS, AWS_SESSION_TOKEN: 'token' } })
    expect(credentials).toEqual({ accessKeyId: 'AK-env', secretAccessKey: 'SK-env', sessionToken: 'token' })
  })

  it('the default profile of ~/.aws/credentials', async () => {
    await write('credentials', '[default]\naws_access_key_id = AK\naws_secret_access_key = SK\n')
    expect((await load()).credentials).toMatchObject({ accessKeyId: 'AK', secretAccessKey: 'SK' })
  })

  it('a file with upper-case names, as allas_conf writes it', async () => {
    await write('credentials', '[default]\nAWS_ACCESS_KEY_ID=AK\nAWS_SECRET_ACCESS_KEY=SK\n')
    expect((await load()).credentials).toMatchObject({ accessKeyId: 'AK', secretAccessKey: 'SK' })
  })

  it('a profile given by name wins over keys in the environment; AWS_PROFILE does not', async () => {
    await write('credentials', '[lab]\naws_access_key_id=AK-lab\naws_secret_access_key=SK-lab\n')
    const asked = await load({ profile: 'lab', environment: KEYS })
    expect(asked.credentials).toMatchObject({ accessKeyId: 'AK-lab' })
    const set = await load({ environment: { ...KEYS, AWS_PROFILE: 'lab' } })
    expect(set.credentials).toMatchObject({ accessKeyId: 'AK-env' })
    const alone = await load({ environment: { AWS_PROFILE: 'lab' } })
    expect(alone.credentials).toMatchObject({ accessKeyId: 'AK-lab' })
  })

  it('files elsewhere, when the AWS variables name them', async () => {
    const file = join(homeDirectory, 'keys')
    await writeFile(file, '[default]\naws_access_key_id=AK\naws_secret_access_key=SK\n')
    const environment = { AWS_SHARED_CREDENTIALS_FILE: file }
    expect((await load({ environment })).credentials).toMatchObject({ accessKeyId: 'AK' })
  })

  it('another source when the files have no keys, and it is asked again when they are needed', async () => {
    const credentials = { accessKeyId: 'AK-role', secretAccessKey: 'SK-role' }
    await write('config', '[profile role]\nrole_arn = arn:aws:iam::1:role/x\n')
    const asked: (string | undefined)[] = []
    const settings = await load({
      profile: 'role',
      otherSources: (profile) => async () => {
        asked.push(profile)
        return credentials
      },
    })
    expect(settings.credentials).toBeTypeOf('function')
    expect(asked).toEqual(['role'])
  })
})

describe('when there are none', () => {
  it('says so, with a hint', async () => {
    const failure: unknown = await load().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'NO_CREDENTIALS' })
    expect((failure as AppError).hints.join()).toContain('AWS_ACCESS_KEY_ID')
  })

  it('a profile that does not exist is an error, even with keys in the environment', async () => {
    await write('credentials', '[default]\naws_access_key_id=AK\naws_secret_access_key=SK\n')
    await expect(load({ profile: 'lba', environment: KEYS })).rejects.toMatchObject({
      code: 'NO_CREDENTIALS',
    })
    const environment = { AWS_PROFILE: 'lba' }
    await expect(load({ environment })).rejects.toThrow('no profile lba')
  })

  it('half a key pair is an error, and the half is not shown', async () => {
    const half = load({ environment: { AWS_SECRET_ACCESS_KEY: 'SK-env' } })
    await expect(half).rejects.toMatchObject({
      code: 'NO_CREDENTIALS',
      message: 'the environment has half of a key pair: the access key id is missing',
    })
  })

  it.skipIf(process.getuid?.() === 0)('a credentials file that may not be read is an error', async () => {
    await write('credentials', '[default]\n')
    await chmod(join(homeDirectory, '.aws', 'credentials'), 0)
    await expect(load()).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  })
})

describe('endpoint and region', () => {
  const profile =
    '[default]\nregion = eu-north-1\nendpoint_url = https://profile.example.org\nservices = here\n'

  it('what was asked for wins, then the variables, then the profile', async () => {
    await write('config', profile)
    const environment = {
      ...KEYS,
      AWS_ENDPOINT_URL: 'https://any.example.org',
      AWS_ENDPOINT_URL_S3: 'https://s3.example.org',
      AWS_REGION: 'eu-west-1',
    }
    const asked = await load({ environment, endpoint: 'https://asked.example.org', region: 'here' })
    expect(asked).toMatchObject({ endpoint: 'https://asked.example.org', region: 'here' })
    const set = await load({ environment })
    expect(set).toMatchObject({ endpoint: 'https://s3.example.org', region: 'eu-west-1' })
    const general = await load({ environment: { ...environment, AWS_ENDPOINT_URL_S3: '' } })
    expect(general.endpoint).toBe('https://any.example.org')
    const fromProfile = await load({ environment: KEYS })
    expect(fromProfile).toMatchObject({ endpoint: 'https://profile.example.org', region: 'eu-north-1' })
  })

  it('the services section of the profile wins over its endpoint_url', async () => {
    await write('config', `${profile}\n[services here]\ns3 =\n  endpoint_url = https://service.example.org\n`)
    expect((await load({ environment: KEYS })).endpoint).toBe('https://service.example.org')
  })

  it('without any, it is AWS itself', async () => {
    expect((await load({ environment: KEYS })).endpoint).toBeUndefined()
  })

  it('plain http is for this machine only, unless it is permitted', async () => {
    for (const local of [
      'http://127.0.0.1:9000',
      'http://localhost:7480',
      'http://[::1]:80',
      'https://s3.example.org',
    ]) {
      expect(() => {
        checkEndpoint(local)
      }).not.toThrow()
    }
    const endpoint = 'http://s3.example.org'
    await expect(load({ environment: KEYS, endpoint })).rejects.toMatchObject({ code: 'USAGE' })
    expect((await load({ environment: KEYS, endpoint, allowInsecure: true })).endpoint).toBe(endpoint)
  })

  it.each([
    's3.example.org',
    'ftp://s3.example.org',
    'https://ak:sk@s3.example.org',
    'http://127.0.0.1.example.org',
  ])('%s is refused, and not repeated where it may hold a password', (endpoint) => {
    let failure: unknown
    try {
      checkEndpoint(endpoint)
    } catch (error) {
      failure = error
    }
    expect(failure).toMatchObject({ code: 'USAGE' })
    expect((failure as AppError).message).not.toContain('ak:sk')
  })
})
