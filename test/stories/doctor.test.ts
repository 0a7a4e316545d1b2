import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { providerNamed } from '../../src/storage/provider/providers.ts'
import type { DoctorResult } from '../../src/workflows/doctor.ts'
import { sharingBackends, startSandboxAs, type Backend } from '../support/backends.ts'
import { createCast, type Cast } from '../support/cast.ts'
import { startTlsProxy } from '../support/tls-proxy.ts'

/** Where the sandbox does as newer servers do, whichever it plays. */
const NEWER_IN_SANDBOX = new Set(['conditionalComplete', 'checksums'])

for (const { name, skipped, start } of sharingBackends()) {
  const plays = name.startsWith('sandbox')
  describe.skipIf(skipped !== undefined)(
    `doctor (${name}${skipped === undefined ? '' : `; ${skipped}`})`,
    () => {
      let backend: Backend
      let cast: Cast
      beforeAll(async () => {
        backend = await start()
        cast = await createCast(backend)
      })
      afterAll(async () => {
        await cast.leave()
        await backend.close()
      })

      it('sees of the server what its kind is known for, leaves nothing behind, and shows no secret', async () => {
        const { project, s3 } = cast.group
        const run = await cast.group.sealift(['doctor', '--scratch', '--json', '--verbose'])
        expect(run.code, run.stderr).toBe(0)
        const { provider } = JSON.parse(run.stdout) as DoctorResult
        expect(provider?.name).toBe(backend.provider)
        const known = Object.entries(providerNamed(backend.provider).capabilities)
        const seen = new Map(Object.entries(provider?.capabilities ?? {}))
        for (const [capability, support] of known) {
          if (support === 'unknown' || (plays && NEWER_IN_SANDBOX.has(capability))) continue
          expect([capability, seen.get(capability) === 'enforced']).toEqual([
            capability,
            support === 'enforced',
          ])
        }
        const { Buckets } = await s3.send(new ListBucketsCommand({}))
        expect((Buckets ?? []).map((bucket) => bucket.Name)).toEqual([])

        const text = await cast.group.sealift(['doctor', '--verbose'])
        expect(text.code, text.stderr).toBe(0)
        const remembered = await readFile(join(cast.group.home, '.config', 'sealift', 'servers.json'), 'utf8')
        const said = [run.stdout, run.stderr, text.stdout, text.stderr, remembered].join('\n')
        expect(said).toContain(backend.endpoint)
        expect(said).not.toContain(project.secretAccessKey)
      })
    },
  )
}

it('what it saw keeps other commands from trusting the server', async () => {
  const backend = await startSandboxAs('deaf')
  const cast = await createCast(backend)
  const { group, producer } = cast
  await group.s3.send(new CreateBucketCommand({ Bucket: 'inbox' }))
  const doctor = (await group.json(['doctor', '--scratch'])) as DoctorResult
  expect(doctor.provider?.capabilities).toMatchObject({ policy: 'ignored', bucketAcl: 'ignored' })
  const grant = await group.sealift([
    'access',
    'grant',
    'inbox',
    '--project',
    producer.project.identity,
    '--json',
  ])
  expect(grant.code).toBe(1)
  expect(JSON.parse(grant.stdout)).toMatchObject({ error: { code: 'UNSUPPORTED' } })
  const said = await group.sealift(['access', '+rw', producer.project.identity, 'inbox'])
  expect(said.code).toBe(1)
  await cast.leave()
  await backend.close()
})

describe('credentials of other programs', () => {
  let backend: Backend
  let cast: Cast
  beforeAll(async () => {
    const [sandbox] = sharingBackends()
    backend = await sandbox!.start()
    cast = await createCast(backend)
  })
  afterAll(async () => {
    await cast.leave()
    await backend.close()
  })

  const remote = (
    title: string,
    { accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string },
  ) =>
    `[${title}]\ntype = s3\nprovider = Other\naccess_key_id = ${accessKeyId}\nsecret_access_key = ${secretAccessKey}\nendpoint = ${backend.endpoint}\n`

  it('serve every command: with a note when there is one set, by name when there are several', async () => {
    const { group, producer } = cast
    const rclone = join(group.home, '.config', 'rclone')
    await mkdir(rclone, { recursive: true })
    await rename(join(group.home, '.aws'), join(group.home, '.aws-away'))
    await writeFile(join(rclone, 'rclone.conf'), remote('s3allas', group.project))
    const env = { SEALIFT_CONFIG_DIR: join(group.home, '.config', 'sealift') }

    const alone = await group.sealift(['bucket', 'list'], { env })
    expect(alone).toMatchObject({ code: 0 })
    expect(alone.stderr).toContain('using the credentials of rclone:s3allas')

    await writeFile(
      join(rclone, 'rclone.conf'),
      remote('s3allas', group.project) + remote('partner', producer.project),
    )
    const several = await group.sealift(['bucket', 'list'], { env })
    expect(several).toMatchObject({ code: 11, stdout: '' })
    expect(several.stderr).toMatch(/--profile rclone:s3allas .*\n.*--profile rclone:partner /)
    expect(several.stderr).not.toContain(group.project.secretAccessKey)
    const named = await group.sealift(['bucket', 'list', '--profile', 'partner'], { env })
    expect(named).toMatchObject({ code: 0, stderr: '' })

    const doctor = await group.sealift(['doctor'], { env })
    expect(doctor.code, 'a failed check').toBe(3)
    expect(doctor.stdout).toContain('rclone:partner')
    expect(doctor.stderr).toContain('several sets of credentials')
    await rm(join(group.home, '.config'), { recursive: true })
    await rename(join(group.home, '.aws-away'), join(group.home, '.aws'))
  })

  it('a server that is not there is exit code 3 and a hint', async () => {
    const { group } = cast
    const run = await group.sealift(['doctor', '--endpoint-url', 'http://127.0.0.1:1'])
    expect(run.code).toBe(3)
    expect(run.stdout).toContain('failed   reach')
    expect(run.stderr).toContain('nothing listens there')
  })

  it('a certificate is trusted when its authority is', async () => {
    const { group } = cast
    const proxy = await startTlsProxy(backend.endpoint)
    await writeFile(join(group.home, 'authority.pem'), proxy.cert)
    const args = ['doctor', '--endpoint-url', proxy.endpoint, '--no-save']
    const untrusted = await group.sealift(args)
    expect(untrusted).toMatchObject({ code: 3 })
    expect(untrusted.stderr).toContain('NODE_EXTRA_CA_CERTS')
    const env = { NODE_EXTRA_CA_CERTS: join(group.home, 'authority.pem') }
    const trusted = await group.sealift(args, { env })
    expect(trusted).toMatchObject({ code: 0 })
    expect(trusted.stdout).toMatch(/ok +tls +TLSv1\.3, certificate by sealift tests, 127\.0\.0\.1/)
    proxy.close()
  })
})
