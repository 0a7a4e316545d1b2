import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AppError } from '../../../src/util/errors.ts'
import { findCredentials, findKeystone } from '../../../src/storage/s3/credential-places.ts'
import { type ConnectionRequest, loadConnection } from '../../../src/storage/s3/credentials.ts'

let homeDirectory: string
beforeEach(async () => {
  homeDirectory = await mkdtemp(join(tmpdir(), 'sealift-home-'))
  await mkdir(join(homeDirectory, '.aws'))
  await mkdir(join(homeDirectory, '.config', 'rclone'), { recursive: true })
})
afterEach(async () => {
  await rm(homeDirectory, { recursive: true })
})

const nothing = (): Promise<never> => Promise.reject(new Error('no other source'))
const load = async (request: Partial<ConnectionRequest> = {}) => {
  const notices: string[] = []
  const settings = await loadConnection({
    environment: {},
    homeDirectory,
    otherSources: () => nothing,
    onNotice: (message) => notices.push(message),
    ...request,
  })
  return { ...settings, notices }
}
const refusal = async (request: Partial<ConnectionRequest> = {}): Promise<AppError> => {
  try {
    await load(request)
  } catch (error) {
    return error as AppError
  }
  throw new Error('nothing was refused')
}
const write = (file: string, text: string) => writeFile(join(homeDirectory, file), text)
const RCLONE = '.config/rclone/rclone.conf'

/** As allas_conf writes it: no scheme. */
const remote = (name: string, key = 'AK', endpoint = 'a3s.fi') =>
  `\n[${name}]\ntype = s3\nprovider = Other\nenv_auth = false\naccess_key_id = ${key}\nsecret_access_key = SK-${key}\nendpoint = ${endpoint}\nacl = private\n`
const s3cfg = (section: string, key = 'AK', host = 'a3s.fi') =>
  `[${section}]\naccess_key   = ${key}\nsecret_key   = SK-${key}\nhost_base    = ${host}\nhost_bucket  = %(bucket)s.a3s.fi\nhuman_readable_sizes = True\nenable_multipart = True\nsignature_v2 = True\nuse_https = True\n`

describe('when the AWS places are empty', () => {
  it('the only remote of rclone is used, with its endpoint, and a note says so', async () => {
    await write(RCLONE, remote('s3allas'))
    const { credentials, endpoint, notices } = await load()
    expect(credentials).toMatchObject({ accessKeyId: 'AK', secretAccessKey: 'SK-AK' })
    expect(endpoint).toBe('https://a3s.fi')
    expect(notices).toEqual([
      expect.stringMatching(/^using the credentials of rclone:s3allas in .*\(https:\/\/a3s\.fi\)$/),
    ])
  })

  it('so is the only configuration of s3cmd, through its link', async () => {
    await write('.s3cfg_project_2000222', s3cfg('allas-project_2000222'))
    await symlink(join(homeDirectory, '.s3cfg_project_2000222'), join(homeDirectory, '.s3cfg'))
    const { credentials, endpoint, notices } = await load()
    expect(credentials).toMatchObject({ accessKeyId: 'AK', secretAccessKey: 'SK-AK' })
    expect(endpoint).toBe('https://a3s.fi')
    expect(notices).toHaveLength(1)
  })

  it('what allas_conf writes for one project to all its places is one set', async () => {
    await write(RCLONE, remote('s3allas') + remote('s3allas-project_2000222'))
    await write('.s3cfg', s3cfg('allas-project_2000222'))
    expect((await load()).notices.join()).toContain('rclone:s3allas in')
  })

  it('several projects are an error that lists them, without their secrets', async () => {
    await write(RCLONE, remote('s3allas', 'AK1') + remote('lumi-o', 'AK2', 'https://lumidata.eu'))
    await write('.s3cfg', s3cfg('allas-project_3', 'AK3'))
    const refused = await refusal()
    expect(refused).toMatchObject({ code: 'NO_CREDENTIALS' })
    const text = [refused.message, ...refused.hints].join('\n')
    for (const place of ['rclone:s3allas', 'rclone:lumi-o', 's3cfg:', 'https://lumidata.eu']) {
      expect(text).toContain(place)
    }
    expect(text).not.toMatch(/SK-/)
  })

  it('of several, the one that belongs to the endpoint asked for', async () => {
    await write(RCLONE, remote('s3allas', 'AK1') + remote('lumi-o', 'AK2', 'https://lumidata.eu'))
    const asked = await load({ endpoint: 'https://lumidata.eu' })
    expect(asked.credentials).toMatchObject({ accessKeyId: 'AK2' })
    const environment = { AWS_ENDPOINT_URL: 'https://a3s.fi' }
    expect((await load({ environment })).credentials).toMatchObject({ accessKeyId: 'AK1' })
    const elsewhere = await refusal({ endpoint: 'https://s3.example.org' })
    expect(elsewhere).toMatchObject({ code: 'NO_CREDENTIALS', message: 'no credentials for the store' })
  })
})

describe('when the AWS places have keys, or should have', () => {
  beforeEach(() => write(RCLONE, remote('s3allas')))

  it.each([
    ['the environment', { AWS_ACCESS_KEY_ID: 'AK-env', AWS_SECRET_ACCESS_KEY: 'SK-env' }],
    ['AWS_PROFILE', { AWS_PROFILE: 'lab' }],
  ])('%s comes first', async (_place, environment) => {
    await write('.aws/credentials', '[lab]\naws_access_key_id=AK-lab\naws_secret_access_key=SK-lab\n')
    const { credentials, notices } = await load({ environment })
    expect(credentials).toMatchObject({ accessKeyId: expect.stringMatching(/^AK-(env|lab)$/) as string })
    expect(notices).toEqual([])
  })

  it('a login of the AWS tools that has ended is not replaced by other credentials', async () => {
    await write('.aws/config', '[default]\nsso_session = lab\n')
    expect(await refusal()).toMatchObject({ code: 'NO_CREDENTIALS', message: 'no credentials for the store' })
  })

  it('half a key pair is an error still', async () => {
    await write('.aws/credentials', '[default]\naws_access_key_id=AK\n')
    expect((await refusal()).message).toContain('half of a key pair')
  })
})

describe('a profile by name', () => {
  it.each(['rclone:s3allas', 's3allas'])('%s', async (profile) => {
    await write(RCLONE, remote('s3allas') + remote('other', 'AK2'))
    const environment = {
      AWS_ACCESS_KEY_ID: 'AK-env',
      AWS_SECRET_ACCESS_KEY: 'SK-env',
      AWS_ENDPOINT_URL: 'https://x.example',
    }
    const { credentials, endpoint, notices } = await load({ profile, environment })
    expect(credentials).toMatchObject({ accessKeyId: 'AK' })
    expect(endpoint, "the section's own endpoint belongs to its keys").toBe('https://a3s.fi')
    expect(notices, 'it was asked for').toEqual([])
  })

  it.each(['s3cfg:project_2', 's3cfg:allas-project_2', 'allas-project_2'])('%s', async (profile) => {
    await write('.s3cfg', s3cfg('allas-project_1', 'AK1'))
    await write('.s3cfg_project_2', s3cfg('allas-project_2', 'AK2'))
    expect((await load({ profile })).credentials).toMatchObject({ accessKeyId: 'AK2' })
    expect((await load({ profile: 's3cfg:' })).credentials).toMatchObject({ accessKeyId: 'AK1' })
  })

  it('of the AWS tools is that of the AWS tools', async () => {
    await write('.aws/credentials', '[s3allas]\naws_access_key_id=AK-aws\naws_secret_access_key=SK\n')
    await write(RCLONE, remote('s3allas'))
    expect((await load({ profile: 's3allas' })).credentials).toMatchObject({ accessKeyId: 'AK-aws' })
    expect((await load({ profile: 'rclone:s3allas' })).credentials).toMatchObject({ accessKeyId: 'AK' })
  })

  it('that two programs have is an error', async () => {
    await write(RCLONE, remote('allas', 'AK1'))
    await write('.s3cfg', s3cfg('allas', 'AK2'))
    const refused = await refusal({ profile: 'allas' })
    expect(refused).toMatchObject({ code: 'NO_CREDENTIALS', message: 'several places have a profile allas' })
    expect(refused.hints.join()).toMatch(/rclone:allas.*s3cfg:/)
  })

  it('that nobody has lists those that there are', async () => {
    await write(RCLONE, remote('s3allas'))
    const refused = await refusal({ profile: 'allsa' })
    expect(refused.message).toContain('no profile allsa')
    expect(refused.hints.join()).toContain('rclone:s3allas')
  })

  it('whose keys are replaced meanwhile gives the new ones', async () => {
    await write(RCLONE, remote('s3allas', 'AK-old'))
    const { readCredentials } = await load()
    await write(RCLONE, remote('s3allas', 'AK-new'))
    expect(await readCredentials?.()).toMatchObject({ accessKeyId: 'AK-new' })
  })

  it('without a signature needs no keys', async () => {
    await write('.aws/config', '[default]\nendpoint_url = https://a3s.fi\n')
    expect(await load({ anonymous: true })).toMatchObject({
      endpoint: 'https://a3s.fi',
      credentials: 'anonymous',
    })
    await write(RCLONE, remote('lumi', 'AK', 'https://lumidata.eu'))
    const other = await load({ anonymous: true, profile: 'lumi' })
    expect(other).toMatchObject({ endpoint: 'https://lumidata.eu', credentials: 'anonymous' })
  })
})

describe('files in odd states', () => {
  it('an encrypted rclone.conf is said to be one', async () => {
    await write(RCLONE, '# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nAAECAwQ=\n')
    const refused = await refusal({ profile: 'rclone:' })
    expect(refused.message).toContain('encrypted')
    const [found] = await findCredentials({}, homeDirectory)
    expect(found).toMatchObject({ kind: 'rclone', problem: expect.stringContaining('encrypted') as string })
    const unasked = await refusal()
    expect(unasked.message, 'it does not count as a source').toBe('no credentials for the store')
    expect(unasked.hints.join('\n')).toMatch(/rclone\.conf can't be used: it is encrypted/)
  })

  it('a remote without keys or endpoint is no source, and says why when it is named', async () => {
    await write(
      RCLONE,
      '[env]\ntype = s3\nenv_auth = true\n[bare]\ntype=s3\naccess_key_id=A\nsecret_access_key=SK\n',
    )
    expect((await refusal({ profile: 'env' })).message).toContain('env_auth')
    expect((await refusal({ profile: 'bare' })).message).toContain('no endpoint')
    expect((await refusal()).message).toBe('no credentials for the store')
  })

  it('RCLONE_CONFIG and S3CMD_CONFIG name other files', async () => {
    await write(RCLONE, remote('s3allas', 'AK1'))
    await write('mine.conf', remote('mine', 'AK2'))
    await write(
      's3.conf',
      'access_key = "AK3"\nsecret_key = SK-AK3\naccess_token = T\nhost_base = s3.example:8443\n',
    )
    const environment = {
      RCLONE_CONFIG: join(homeDirectory, 'mine.conf'),
      S3CMD_CONFIG: join(homeDirectory, 's3.conf'),
    }
    expect((await load({ environment, profile: 'mine' })).credentials).toMatchObject({ accessKeyId: 'AK2' })
    expect(await load({ environment, profile: 's3cfg:' })).toMatchObject({
      endpoint: 'https://s3.example:8443',
      credentials: { accessKeyId: 'AK3', sessionToken: 'T' },
    })
    await expect(refusal({ environment, profile: 's3allas' })).resolves.toMatchObject({
      code: 'NO_CREDENTIALS',
    })
  })

  it('a file that is far too large is not read', async () => {
    await write(RCLONE, `${remote('s3allas')}# ${'x'.repeat(1024 * 1024)}\n`)
    await write('.aws/config', `# ${'x'.repeat(1024 * 1024)}\n`)
    await expect(refusal()).resolves.toMatchObject({ code: 'FILE_UNREADABLE' })
    await rm(join(homeDirectory, '.aws/config'))
    expect((await findCredentials({}, homeDirectory))[0]).toMatchObject({
      problem: expect.stringContaining('bytes') as string,
    })
  })

  it("plain http, addresses that hold a password, and LUMI's host_base with a scheme", async () => {
    await write('.s3cfg', s3cfg('lumi-465000001', 'AK', 'https://lumidata.eu'))
    expect((await load()).endpoint).toBe('https://lumidata.eu')
    await write('.s3cfg', s3cfg('x', 'AK', 's3.example.org').replace('use_https = True', 'use_https = False'))
    expect(await refusal()).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('not encrypted') as string,
    })
    await write('.s3cfg', s3cfg('x', 'AK', 'user:pw@s3.example.org'))
    expect((await refusal()).message).not.toContain('pw')
  })
})

describe('all credentials there are', () => {
  it('by place, in the order in which they count', async () => {
    await write(
      '.aws/credentials',
      '[default]\nAWS_ACCESS_KEY_ID=AK\nAWS_SECRET_ACCESS_KEY=SK\n[role]\nrole_arn=arn:aws:iam::1:role/x\n',
    )
    await write(
      '.aws/config',
      '[default]\nendpoint_url = https://a3s.fi\n[services x]\ns3 =\n  endpoint_url = https://y\n',
    )
    await write(RCLONE, remote('s3allas') + '[crypt]\ntype = crypt\nremote = s3allas:x\n')
    await write('.s3cfg', s3cfg('allas'))
    const found = await findCredentials({ AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'S' }, homeDirectory)
    expect(found.map(({ kind, profile }) => [kind, profile])).toEqual([
      ['environment', undefined],
      ['aws', 'default'],
      ['aws', 'role'],
      ['rclone', 'rclone:s3allas'],
      ['s3cmd', 's3cfg:'],
    ])
    expect(found[1]).toMatchObject({ endpoint: 'https://a3s.fi', keys: { accessKeyId: 'AK' } })
    expect(found[2]).toMatchObject({ problem: 'its keys are fetched when they are needed' })
  })

  it('and what OpenStack has, without its secrets', () => {
    const environment = {
      OS_AUTH_URL: 'https://pouta.csc.fi:5001/v3',
      OS_PROJECT_ID: 'f'.repeat(32),
      OS_PASSWORD: 'secret',
      OS_TOKEN: 'secret',
    }
    expect(findKeystone(environment)).toEqual({
      authUrl: 'https://pouta.csc.fi:5001/v3',
      projectId: 'f'.repeat(32),
    })
    expect(JSON.stringify(findKeystone(environment))).not.toContain('secret')
    expect(findKeystone({ HOME: '/' })).toBeUndefined()
  })
})
