import { describe, expect, it } from 'vitest'
import type { TlsAnswer } from '../../src/storage/s3/probe/endpoint-answer.ts'
import { projectNameOf, shortened } from '../../src/workflows/doctor-credentials.ts'
import { clockFinding, tlsFinding } from '../../src/workflows/doctor-endpoint.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const tls = (other: Partial<TlsAnswer> = {}): TlsAnswer => ({
  protocol: 'TLSv1.3',
  issuer: 'An Authority',
  selfSigned: false,
  validTo: new Date('2027-01-31T00:00:00Z'),
  ...other,
})

describe('a certificate', () => {
  it.each([
    ['that holds for months', tls(), 'ok', /valid until 2027-01-31/],
    ['that ends soon', tls({ validTo: new Date('2026-11-30T00:00:00Z') }), 'warning', /2026-11-30/],
    ['that has ended', tls({ problem: 'CERT_HAS_EXPIRED' }), 'failed', /CERT_HAS_EXPIRED/],
    [
      'of nobody',
      tls({ problem: 'DEPTH_ZERO_SELF_SIGNED_CERT', selfSigned: true }),
      'failed',
      /signed by itself/,
    ],
    ['for another host', tls({ problem: 'ERR_TLS_CERT_ALTNAME_INVALID' }), 'failed', /An Authority/],
    ['that is not there', undefined, 'skipped', /not encrypted/],
  ] as const)('%s', (_name, answer, result, message) => {
    const found = tlsFinding('https://s3.example.org', answer, NOW)
    expect(found).toMatchObject({ check: 'tls', result, message: expect.stringMatching(message) as string })
  })
})

describe('a clock', () => {
  it.each([
    [0, 'ok', /to 0 s/],
    [-59_000, 'ok', /to 59 s/],
    [61_000, 'warning', /61 s behind/],
    [-3_600_000, 'warning', /3600 s ahead of/],
    [undefined, 'skipped', /does not tell/],
  ] as const)('%j ms from the server’s', (offset, result, message) => {
    expect(clockFinding(offset)).toMatchObject({ result, message: expect.stringMatching(message) as string })
  })
})

describe('who credentials belong to', () => {
  const id = '0123456789abcdef0123456789abcdef'
  const keystone = { authUrl: undefined, projectId: id, projectName: 'project_2000222', userName: undefined }

  it('is named by the address book, then by the variables of OpenStack', () => {
    const projects = [{ name: 'partner', identity: `keystone:${id}` }]
    expect(projectNameOf(`${id}$${id}`, 'rgw', { projects, keystone })).toBe('partner')
    expect(projectNameOf(`${id}$${id}`, 'rgw', { projects: [], keystone })).toBe('project_2000222')
    expect(projectNameOf('somebody', 'rgw', { projects, keystone })).toBeUndefined()
    expect(projectNameOf('somebody', 'rgw', { projects: [], keystone: undefined })).toBeUndefined()
  })

  it('shows enough of a key id to tell it from another, and no more', () => {
    expect(shortened('AKIAIOSFODNN7EXAMPLE')).toBe('AKIA…LE')
    expect(shortened('short')).toBe('sh…')
  })
})
