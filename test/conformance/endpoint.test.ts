/**
 * The contract on any S3 server that is running, such as the MinIO of docker-compose.minio.yml:
 *
 *     SEALIFT_TEST_S3_ENDPOINT=http://127.0.0.1:9000 \
 *     SEALIFT_TEST_S3_OWNER=ACCESS_KEY_ID:SECRET_KEY \
 *     SEALIFT_TEST_S3_LACKS=grants,pathKeys,uploadListing \
 *     npm test -- test/conformance/endpoint.test.ts
 *
 * On a server with several projects, SEALIFT_TEST_S3_GRANTEE and SEALIFT_TEST_S3_OUTSIDER name two more callers;
 * each is then `ACCESS_KEY_ID:SECRET_KEY:CANONICAL_ID`, the canonical id being `user` or `tenant$user` on Ceph.
 * The buckets it makes are called sealift-test-… and stay: use a server that can be thrown away.
 */
import { describe } from 'vitest'
import { AppError } from '../../src/util/errors.ts'
import { objectStoreConformance } from './object-store.ts'
import type { Lacks } from './parties.ts'
import { partiesOf } from './s3-parties.ts'

const endpoint = process.env['SEALIFT_TEST_S3_ENDPOINT']

if (endpoint === undefined) {
  describe.skip('object store contract: SEALIFT_TEST_S3_ENDPOINT is not set', () => undefined)
} else {
  const lacks = lacksOf(process.env['SEALIFT_TEST_S3_LACKS'] ?? '')
  const owner = callerOf('SEALIFT_TEST_S3_OWNER')
  const several = lacks.grants === undefined
  const grantee = several ? callerOf('SEALIFT_TEST_S3_GRANTEE') : owner
  const outsider = several ? callerOf('SEALIFT_TEST_S3_OUTSIDER') : owner
  const tenant = /^(.+)\$/.exec(owner.canonicalId)?.[1]
  const address = (bucket: string): string => (tenant === undefined ? bucket : `${tenant}:${bucket}`)
  const server = { endpoint, owner, grantee, outsider, address, close: () => Promise.resolve() }
  objectStoreConformance(endpoint, () => Promise.resolve(partiesOf(server)), lacks)
}

function callerOf(variable: string) {
  const [accessKeyId, secretAccessKey, canonicalId = ''] = (process.env[variable] ?? '').split(':')
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new AppError('USAGE', `${variable} must be ACCESS_KEY_ID:SECRET_KEY[:CANONICAL_ID]`)
  }
  return { accessKeyId, secretAccessKey, canonicalId }
}

function lacksOf(list: string): Lacks {
  const reason = 'SEALIFT_TEST_S3_LACKS names it'
  const names = list.split(',')
  return {
    grants: names.includes('grants') ? reason : undefined,
    versioning: names.includes('versioning') ? reason : undefined,
    pathKeys: names.includes('pathKeys') ? reason : undefined,
    uploadListing: names.includes('uploadListing') ? reason : undefined,
  }
}
