import { GetBucketPolicyCommand, PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import type { S3Client } from '@aws-sdk/client-s3'
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'

import { revokeReportSchema, serializeReport } from '../../src/workflows/revoke-report.ts'
import { openImportBucket } from '../support/cast.ts'
import { expectFailure } from '../support/failure.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'
import { refusal } from '../support/s3.ts'

const SSH_KEYGEN = 'ssh-keygen'
const BUCKET = 'animine-data-import-9'

onEveryBackend('a revocation that can be proven to others', (stage) => {
  const at = (name: string): string => join(stage().group.home, name)
  const revoke = (...more: string[]): string[] => {
    const { name } = stage().producer.project
    return ['access', 'revoke', BUCKET, '--project', name, ...more]
  }
  const deliver = (Key: string): Promise<unknown> => {
    const { backend, producer } = stage()
    const there = { Bucket: backend.bucketAddress(BUCKET), Key, Body: 'sealed' }
    return producer.s3.send(new PutObjectCommand(there))
  }

  beforeAll(async () => {
    const { group, producer, outsider } = stage()
    await openImportBucket(group, producer, BUCKET)
    for (const [profile, { project }] of Object.entries({ producer, outsider })) {
      const keys = `aws_access_key_id = ${project.accessKeyId}\naws_secret_access_key = ${project.secretAccessKey}\n`
      await appendFile(at('.aws/credentials'), `\n[${profile}]\n${keys}`)
    }
    execFileSync(SSH_KEYGEN, ['-q', '-t', 'ed25519', '-N', '', '-C', 'group', '-f', at('signer')])
  })

  it('what was granted is tried, with the credentials of everybody', async () => {
    const { group, producer } = stage()
    const verify = ['access', 'verify', BUCKET, '--as', 'producer', '--outsider', 'outsider']
    const run = await group.sealift(verify)
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toMatch(/each as was granted/)
    expect(run.stdout).toMatch(
      new RegExp(`producer +grantee +${literal(producer.project.identity)} +depositor`),
    )
    expect(rowOf(run.stdout, 'PutObject')).toEqual(['yes', 'yes', 'no', 'no'])
    expect(rowOf(run.stdout, 'GetObject')).toEqual(['yes', 'no', 'no', 'no'])
    expect(rowOf(run.stdout, 'PutObject below keys/')).toEqual(['yes', 'no', 'no', 'no'])
    expect((await group.sealift(['ls', `s3://${BUCKET}/`])).stdout).not.toContain('.sealift-probe')
  })

  it('an outsider that is none and a profile that is none are told', async () => {
    const { group } = stage()
    const wrong = await group.sealift(['access', 'verify', BUCKET, '--outsider', 'producer'])
    expectFailure(wrong, {
      code: 2,
      error: /profile producer is no outsider: it has depositor/,
      hint: /--as/,
    })
    const nobody = await group.sealift(['access', 'verify', BUCKET, '--as', 'nobody'])
    expectFailure(nobody, { code: 11, error: /no profile nobody/ })
  })

  it('what cannot be proven or signed as asked is refused before anything is changed', async () => {
    const { group } = stage()
    await writeFile(at('taken.json'), '{}')
    await writeFile(at('no-key'), 'no key')
    const stranger = await group.sealift(revoke('--as', 'outsider'))
    expectFailure(stranger, {
      code: 2,
      error: /profile outsider is .*, and not/,
      hint: /nothing was changed/,
    })
    const taken = await group.sealift(revoke('--report', 'taken.json'))
    expectFailure(taken, { code: 14, error: /taken\.json exists/ })
    const noKey = await group.sealift(revoke('--report', 'r.json', '--sign', 'no-key'))
    expectFailure(noKey, { code: 1, error: /ssh-keygen could not read the key no-key/ })
    const noReport = await group.sealift(revoke('--sign', 'signer'))
    expectFailure(noReport, { code: 2, error: /--report/ })
    const bare = { env: { PATH: at('nothing-here') } }
    const noProgram = await group.sealift(revoke('--report', 'r.json', '--sign', 'signer'), bare)
    expectFailure(noProgram, { code: 1, error: /there is no ssh-keygen here/, hint: /OpenSSH/ })
    await deliver('still-welcome')
  })

  it('the revocation is enforced, reported and signed', async () => {
    const { group, producer } = stage()
    const more = ['--as', 'producer', '--report', 'revoked.json', '--sign', 'signer']
    const run = await group.sealift(revoke(...more))
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toContain('  enforced: every request was refused\n')
    expect(run.stdout).toMatch(/tried as producer: \d+ requests refused, none answered/)
    expect(run.stdout).toMatch(/tried as anonymous: \d+ requests refused, none answered/)
    expect(run.stdout).toContain('signature revoked.json.sig')
    expect(await refusal(deliver('too-late'))).toBe(403)

    const text = await readFile(at('revoked.json'), 'utf8')
    const report = revokeReportSchema.parse(JSON.parse(text))
    expect(serializeReport(report)).toBe(text)
    expect(report).toMatchObject({
      bucket: BUCKET,
      identity: producer.project.identity,
      state: 'enforced',
      remaining: [],
      leftovers: [],
    })
    expect(report.probes.filter(({ answer }) => answer === 'allowed')).toEqual([])
    expect(report.signedBy).toBe(fingerprintOf(at('signer.pub')))
    for (const { project } of [group, producer]) expect(text).not.toContain(project.secretAccessKey)
  })

  it('anybody can check the signature; a changed report and another purpose fail', async () => {
    const report = await readFile(at('revoked.json'), 'utf8')
    const key = await readFile(at('signer.pub'), 'utf8')
    await writeFile(at('allowed_signers'), `group@example.org ${key}`)
    const verified = (content: string, namespace = 'sealift-revoke'): number | null => {
      const who = ['-f', at('allowed_signers'), '-I', 'group@example.org', '-n', namespace]
      const words = ['-Y', 'verify', ...who, '-s', at('revoked.json.sig')]
      return spawnSync(SSH_KEYGEN, words, { input: content }).status
    }
    expect(verified(report)).toBe(0)
    expect(verified(report.replace('"enforced"', '"stored"'))).not.toBe(0)
    expect(verified(report, 'file')).not.toBe(0)
  })

  it('a key whose passphrase nobody can type leaves the report, and says how to sign it', async () => {
    const { group } = stage()
    execFileSync(SSH_KEYGEN, ['-q', '-t', 'ed25519', '-N', 'secret words', '-f', at('locked')])
    const run = await group.sealift(revoke('--report', 'again.json', '--sign', 'locked'))
    expectFailure(run, {
      code: 1,
      error: /could not sign with locked/,
      hint: /revocation itself is done.*ssh-keygen -Y sign -n sealift-revoke -f locked again\.json/,
    })
    const report = revokeReportSchema.parse(JSON.parse(await readFile(at('again.json'), 'utf8')))
    expect(report).toMatchObject({ state: 'stored', signedBy: fingerprintOf(at('locked.pub')) })
    await rm(at('again.json'))
  })

  it('a way in that remains ends the command with the requests that were answered', async () => {
    const { group } = stage()
    await openToAnyone(group.s3)
    const run = await group.sealift([...revoke('--as', 'producer', '--report', 'open.json'), '--json'])
    expect(run.code).toBe(1)
    const { error, result } = JSON.parse(run.stdout) as {
      error: { code: string }
      result: { state: string; remaining: { kind: string }[]; probes: { caller: string; answer: string }[] }
    }
    expect(error.code).toBe('STILL_ACCESSIBLE')
    expect(result.state).toBe('still-accessible')
    const kinds = new Set(result.remaining.map(({ kind }) => kind))
    expect(kinds).toEqual(new Set(['public', 'request']))
    const answered = result.probes.filter(({ answer }) => answer === 'allowed')
    // The producer is denied by name; whoever signs nothing is not.
    expect(new Set(answered.map(({ caller }) => caller))).toEqual(new Set(['anonymous']))
    const report = revokeReportSchema.parse(JSON.parse(await readFile(at('open.json'), 'utf8')))
    expect(report.state).toBe('still-accessible')
  })

  it('that somebody gets in is not hidden by a report that could not be signed', async () => {
    const { group } = stage()
    const run = await group.sealift(revoke('--report', 'unsigned.json', '--sign', 'locked'))
    expectFailure(run, { code: 1, error: /can still reach/, hint: /no report: .*could not sign with locked/ })
  })
})

/** Somebody's statement for a website. */
async function openToAnyone(s3: S3Client): Promise<void> {
  const { Policy = '' } = await s3.send(new GetBucketPolicyCommand({ Bucket: BUCKET }))
  const policy = JSON.parse(Policy) as { Statement: object[] }
  const Resource = `arn:aws:s3:::${BUCKET}/*`
  policy.Statement.push({ Sid: 'Web', Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource })
  await s3.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy: JSON.stringify(policy) }))
}

/** The cells of a line of the matrix. */
function rowOf(output: string, operation: string): string[] {
  const line = output.split('\n').find((one) => one.startsWith(`${operation}  `)) ?? ''
  return line.slice(operation.length).trim().split(/ {2,}/)
}

function fingerprintOf(publicKey: string): string {
  return execFileSync(SSH_KEYGEN, ['-l', '-E', 'sha256', '-f', publicKey], { encoding: 'utf8' }).split(
    ' ',
  )[1]!
}

function literal(text: string): string {
  return text.replace(/[$.:]/g, '\\$&')
}
