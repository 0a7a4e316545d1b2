import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PROVIDER_NAMES } from '../../../src/storage/provider/provider.ts'
import { providerNamed, PROVIDERS } from '../../../src/storage/provider/providers.ts'
import { providerOfEndpoint, providerOfHeaders } from '../../../src/storage/provider/recognise.ts'

describe('what a server is, by the name of its host', () => {
  it.each([
    ['https://a3s.fi', 'ceph-keystone'],
    ['https://animine.a3s.fi', 'ceph-keystone'],
    ['https://A3S.FI:443/', 'ceph-keystone'],
    ['https://a3s.fi.', 'ceph-keystone'],
    ['https://lumidata.eu', 'ceph-keystone'],
    ['https://s3.eu-north-1.amazonaws.com', 'aws'],
    ['https://s3.cn-north-1.amazonaws.com.cn', 'aws'],
    ['https://s3.nl-ams.scw.cloud', 'scaleway'],
    ['https://nota3s.fi', undefined],
    ['https://a3s.fi.example.org', undefined],
    ['https://example.org/a3s.fi', undefined],
    ['http://127.0.0.1:9000', undefined],
    ['a3s.fi', undefined],
  ])('%s is %s', (endpoint, name) => {
    expect(providerOfEndpoint(endpoint)).toBe(name)
  })
})

describe('what a server is, by its answers', () => {
  // Request ids as they came from the servers themselves.
  const RGW = 'tx0000000000000000000a1-0069209f2c-4158-default'
  it.each([
    [{ server: 'MinIO' }, 'minio'],
    [{ server: 'VERSITYGW' }, 'versitygw'],
    [{ server: 'AmazonS3', 'x-amz-request-id': '656C76696E6727732072657175657374' }, 'aws'],
    [{ 'x-amz-request-id': RGW }, 'ceph'],
    [{ server: 'nginx', 'x-amz-request-id': RGW }, 'ceph'],
    [{ 'x-amz-request-id': RGW, 'x-trans-id': RGW }, 'swift'],
    [{ server: 'sealift-sandbox' }, 'ceph'],
    [{ server: 'sealift-sandbox (versitygw)' }, 'versitygw'],
    [{ server: 'sealift-sandbox (deaf)' }, 'ceph'],
    [{ server: 'nginx' }, undefined],
    [{ server: 'notMinIO' }, undefined],
    [{}, undefined],
  ])('%o is %s', (headers, name) => {
    expect(providerOfHeaders(headers)).toBe(name)
  })

  it('never fails, whatever they say', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (server, id) => {
        const name = providerOfHeaders({ server, 'x-amz-request-id': id })
        expect(name === undefined || PROVIDER_NAMES.includes(name)).toBe(true)
      }),
    )
  })
})

describe('the profiles', () => {
  it('one for each kind, under its own name', () => {
    expect(PROVIDER_NAMES.map((name) => providerNamed(name).name)).toEqual([...PROVIDER_NAMES])
  })

  it('where policies are not enforced, no condition in them is', () => {
    for (const { capabilities } of Object.values(PROVIDERS)) {
      const { policy, policyConditions, prefixCondition } = capabilities
      if (policy === 'enforced' || policy === 'unknown') continue
      expect([policyConditions, prefixCondition]).not.toContain('enforced')
    }
  })
})
