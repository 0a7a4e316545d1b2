import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { doctorText } from '../../src/cli/doctor-text.ts'
import type { FaultRequest } from '../../src/sandbox/faults.ts'
import { practiceProjects } from '../../src/sandbox/practice-projects.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/server.ts'
import { createS3Store } from '../../src/storage/s3/s3-store.ts'
import { AppError } from '../../src/util/errors.ts'
import { doctor, type DoctorRequest, type DoctorResult } from '../../src/workflows/doctor.ts'
import { readServer } from '../../src/workflows/server-book.ts'
import { startTlsProxy } from '../support/tls-proxy.ts'

const projects = practiceProjects()
const [group, producer] = projects
if (group === undefined || producer === undefined) throw new RangeError('the sandbox has too few projects')

let home: string
let sandbox: Sandbox
let asked: FaultRequest[]
const closers: (() => void | Promise<void>)[] = []
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sealift-doctor-'))
  asked = []
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  await rm(home, { recursive: true })
})

const start = async (options: Partial<SandboxOptions> = {}) => {
  const { faults, ...others } = options
  sandbox = await startSandbox({
    ...others,
    directory: join(home, 'sandbox'),
    projects,
    faults: (request) => {
      asked.push(request)
      return faults?.(request)
    },
  })
  closers.push(() => sandbox.close())
  return sandbox
}
const keysOf = ({ accessKeyId, secretAccessKey }: typeof group, endpoint = sandbox.endpoint) => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_ENDPOINT_URL: endpoint,
})
const examine = (request: Partial<DoctorRequest> = {}, signal?: AbortSignal) =>
  doctor(
    {
      environment: keysOf(group),
      homeDirectory: home,
      projectBookFile: join(home, 'projects.json'),
      serversFile: join(home, 'servers.json'),
      save: true,
      scratch: false,
      ...request,
    },
    signal,
  )
const storeOfGroup = () => {
  const { accessKeyId, secretAccessKey } = group
  const store = createS3Store({ endpoint: sandbox.endpoint, credentials: { accessKeyId, secretAccessKey } })
  closers.push(() => {
    store.close()
  })
  return store
}
const resultOf = ({ findings }: DoctorResult, check: string) =>
  findings.find((one) => one.check === check)?.result
const failed = ({ findings }: DoctorResult) => findings.filter(({ result }) => result === 'failed')

describe('without being told where to write', () => {
  it('only reads', async () => {
    await start()
    await storeOfGroup().createBucket('inbox')
    asked = []
    const result = await examine()
    expect(failed(result)).toEqual([])
    const operations = new Set(asked.map(({ operation }) => operation))
    expect([...operations].filter((name) => !/^(Get|Head|List)/.test(name))).toEqual([])
    expect(operations).toContain('GetBucketPolicy')
    for (const check of [
      'reach',
      'clock',
      'signature',
      'provider',
      'path-style',
      'policy-read',
      'acl-read',
    ]) {
      expect(resultOf(result, check), check).toBe('ok')
    }
    expect(resultOf(result, 'put-get'), 'it was not asked to').toBeUndefined()
  })

  it('says that a bucket is missing for the rest', async () => {
    await start()
    const result = await examine()
    expect(resultOf(result, 'bucket')).toBe('skipped')
    expect(failed(result)).toEqual([])
  })
})

describe('in a throw-away bucket', () => {
  it.each([
    [
      'rgw',
      {
        policy: 'enforced',
        policyConditions: 'enforced',
        prefixCondition: 'enforced',
        versioning: 'enforced',
      },
    ],
    [
      'aws',
      { policy: 'enforced', bucketAcl: 'absent', objectAcl: 'absent', conditionalComplete: 'enforced' },
    ],
    ['minio', { policy: 'ignored' }],
    ['versitygw', { policy: 'enforced', bucketAcl: 'absent' }],
    ['swift', { policy: 'absent', conditionalPut: 'absent', checksums: 'ignored' }],
    ['deaf', { policy: 'ignored', policyConditions: 'ignored', bucketAcl: 'ignored', objectAcl: 'ignored' }],
    ['fall-through', {}],
    // One answer that is no policy does not make a Ceph one without.
    ['garbled', { policy: 'enforced' }],
  ] as const)('%s shows what it does, and nothing stays', async (personality, capabilities) => {
    await start({ personality })
    const result = await examine({ scratch: true })
    expect(result.provider?.capabilities).toMatchObject(capabilities)
    if (personality === 'minio') expect(result.provider?.capabilities.bucketAcl).not.toBe('enforced')
    expect(failed(result)).toEqual([])
    expect(resultOf(result, 'cleanup')).toBe('ok')
    expect(await storeOfGroup().listBuckets()).toEqual([])
    expect(await readServer(join(home, 'servers.json'), sandbox.endpoint)).toEqual(result.provider)
  })

  it('lets nobody in at any moment', async () => {
    await start()
    const written: string[] = []
    const result = await examine({ scratch: true })
    for (const { operation } of asked) if (/^Put.*(Policy|Acl)$/.test(operation)) written.push(operation)
    expect(written.length, 'the policies were written').toBeGreaterThan(2)
    expect(JSON.stringify(result.findings)).not.toContain('"*"')
  })

  it('cleans up after a server that fails on the way', async () => {
    await start({
      faults: ({ operation }) =>
        operation === 'UploadPart' ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined,
    })
    const result = await examine({ scratch: true })
    expect(resultOf(result, 'multipart')).toBe('failed')
    expect(resultOf(result, 'policy'), 'the other checks go on').toBe('ok')
    expect(resultOf(result, 'cleanup')).toBe('ok')
    expect(await storeOfGroup().listBuckets()).toEqual([])
  })

  it('cleans up after an interrupt', async () => {
    const controller = new AbortController()
    const reason = new AppError('INTERRUPTED', 'interrupted')
    await start({
      faults: ({ operation }) => {
        if (operation === 'PutBucketPolicy') controller.abort(reason)
        return undefined
      },
    })
    await expect(examine({ scratch: true }, controller.signal)).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(await storeOfGroup().listBuckets()).toEqual([])
    expect(await readServer(join(home, 'servers.json'), sandbox.endpoint)).toBeUndefined()
  })

  it('says what stays when it can not be removed', async () => {
    await start({
      faults: ({ operation }) =>
        operation === 'DeleteBucket' ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined,
    })
    const result = await examine({ scratch: true })
    const cleanup = result.findings.find(({ check }) => check === 'cleanup')
    expect(cleanup).toMatchObject({
      result: 'failed',
      message: expect.stringContaining('bucket sealift-doctor-') as string,
    })
  })

  it('is a finding when none can be made', async () => {
    await start({
      faults: ({ operation }) =>
        operation === 'CreateBucket' ? { kind: 'status', status: 403, code: 'AccessDenied' } : undefined,
    })
    expect(resultOf(await examine({ scratch: true }), 'scratch')).toBe('failed')
  })
})

describe('in a bucket that is there', () => {
  it('leaves objects, policy and ACL alone, and no version behind', async () => {
    await start()
    const store = storeOfGroup()
    await store.createBucket('inbox')
    await store.enableVersioning('inbox')
    await store.putObject('inbox', 'run.c4gh', new Uint8Array(10))
    asked = []
    const result = await examine({ writeInto: 'inbox' })
    expect(failed(result)).toEqual([])
    expect(resultOf(result, 'multipart')).toBe('ok')
    const versions = []
    for await (const { objectKey } of store.listVersions('inbox')) versions.push(objectKey)
    expect(versions).toEqual(['run.c4gh'])
    const uploads = []
    for await (const upload of store.listMultipartUploads('inbox')) uploads.push(upload)
    expect(uploads).toEqual([])
    expect(
      asked.filter(({ operation }) => /^Put.*(Policy|Acl|Versioning)$|^DeleteBucket/.test(operation)),
    ).toEqual([])
    const touched = asked.filter(({ operation }) =>
      /^(Put|Delete|Copy|Upload|Complete|Create)/.test(operation),
    )
    expect(touched.filter(({ objectKey }) => !objectKey.startsWith('.sealift-doctor/'))).toEqual([])
  })

  it("refuses one that is another project's", async () => {
    await start()
    await storeOfGroup().createBucket('inbox')
    const foreign = examine({ writeInto: 'inbox', environment: keysOf(producer) })
    await expect(foreign).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('the way to the server', () => {
  it('that leads nowhere is a finding, and the credentials are listed all the same', async () => {
    await start()
    const environment = keysOf(group, 'http://127.0.0.1:1')
    const result = await examine({ environment })
    expect(failed(result)).toMatchObject([
      { check: 'reach', hint: expect.stringContaining('nothing listens') as string },
    ])
    expect(result.credentials).toMatchObject([{ state: 'unreachable', inUse: true }])
    expect(result.savedTo).toBeUndefined()
  })

  it('with a certificate that signs itself ends there', async () => {
    await start()
    const proxy = await startTlsProxy(sandbox.endpoint)
    closers.push(proxy.close)
    const result = await examine({ environment: keysOf(group, proxy.endpoint) })
    const [tls] = failed(result)
    expect(tls).toMatchObject({
      check: 'tls',
      message: expect.stringContaining('signed by itself') as string,
    })
    expect(resultOf(result, 'signature'), 'no credentials go there').toBeUndefined()
    expect(proxy.requests(), 'one request without credentials').toBe(1)
  })

  it('to a server with another clock warns', async () => {
    await start({ now: () => new Date(Date.now() + 3_600_000) })
    const result = await examine()
    const clock = result.findings.find(({ check }) => check === 'clock')
    expect(clock).toMatchObject({
      result: 'warning',
      message: expect.stringMatching(/36\d\d s behind|3599 s behind/) as string,
    })
    expect(resultOf(result, 'signature'), 'sealift goes by the store’s clock').toBe('ok')
  })

  it('with a wrong secret fails, and nothing more is tried', async () => {
    await start()
    const result = await examine({
      environment: { ...keysOf(group), AWS_SECRET_ACCESS_KEY: 'not-the-secret' },
    })
    expect(failed(result)).toMatchObject([{ check: 'signature' }])
    expect(result.provider).toBeUndefined()
    expect(JSON.stringify(result)).not.toContain('not-the-secret')
  })
})

describe('credentials', () => {
  const remote = (name: string, { accessKeyId, secretAccessKey }: typeof group) =>
    `[${name}]\ntype = s3\naccess_key_id = ${accessKeyId}\nsecret_access_key = ${secretAccessKey}\nendpoint = ${sandbox.endpoint}\n`

  it('of several places are listed with their projects, and no secret is shown', async () => {
    await start()
    await writeFile(join(home, '.rclone.conf'), remote('s3allas', group) + remote('other', producer))
    await mkdir(join(home, '.aws'))
    await writeFile(
      join(home, '.aws', 'credentials'),
      '[old]\nAWS_ACCESS_KEY_ID=OLDKEY\nAWS_SECRET_ACCESS_KEY=SECRET-old\naws_session_token=SECRET-token\n',
    )
    await writeFile(join(home, '.aws', 'config'), `[profile old]\nendpoint_url = ${sandbox.endpoint}\n`)
    const book = { version: 1, projects: { partner: `rgw:${producer.uid}` } }
    await writeFile(join(home, 'projects.json'), JSON.stringify(book))
    const environment = {
      OS_PASSWORD: 'SECRET-os',
      OS_TOKEN: 'SECRET-token',
      OS_PROJECT_ID: group.uid,
      OS_PROJECT_NAME: 'ours',
    }
    const result = await examine({ environment, profile: 's3allas' })
    expect(result.credentials).toMatchObject([
      { profile: 'old', state: 'refused', inUse: false },
      {
        profile: 'rclone:s3allas',
        state: 'accepted',
        identity: `rgw:${group.uid}`,
        project: 'ours',
        inUse: true,
      },
      { profile: 'rclone:other', state: 'accepted', project: 'partner', inUse: false },
    ])
    const shown =
      JSON.stringify(result) + doctorText(result) + (await readFile(join(home, 'servers.json'), 'utf8'))
    for (const secret of [group.secretAccessKey, producer.secretAccessKey, 'SECRET-', group.accessKeyId]) {
      expect(shown).not.toContain(secret)
    }
  })

  it('of several projects without a choice: all are listed, and how to choose', async () => {
    await start()
    await writeFile(join(home, '.rclone.conf'), remote('s3allas', group) + remote('other', producer))
    const result = await examine({ environment: {} })
    expect(result.credentials.map(({ state, inUse }) => [state, inUse])).toEqual([
      ['accepted', false],
      ['accepted', false],
    ])
    expect(failed(result)).toMatchObject([
      { check: 'credentials', hint: expect.stringContaining('--profile rclone:other') as string },
    ])
  })

  it('are asked for where there are none', async () => {
    await start()
    const environment = { AWS_EC2_METADATA_DISABLED: 'true' }
    const result = await examine({
      environment,
      otherSources: () => () => Promise.reject(new Error('none')),
    } as never)
    expect(failed(result)).toMatchObject([{ check: 'credentials' }])
    expect(doctorText(result)).toContain('none in the AWS_ variables')
  })
})

describe('what is remembered', () => {
  it('is kept by a later run that sees less, and left alone with --no-save', async () => {
    await start({ personality: 'deaf' })
    const file = join(home, 'servers.json')
    await examine({ scratch: true })
    expect((await examine()).provider?.capabilities.policy).toBe('ignored')
    expect((await readServer(file, sandbox.endpoint))?.capabilities.policy).toBe('ignored')
    await rm(file)
    expect((await examine({ scratch: true, save: false })).savedTo).toBeUndefined()
    expect(await readServer(file, sandbox.endpoint)).toBeUndefined()
  })
})
