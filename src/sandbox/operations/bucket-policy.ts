import { checkPolicy } from '../access/check-policy.ts'
import { parsePolicy, type Policy } from '../access/policy-document.ts'
import { type BucketOperation, type BucketRequest, emptyAnswer, type Service } from '../request.ts'
import { S3Error } from '../s3-error.ts'
import { maxXmlBytes } from './limits.ts'

/** Gives the policy back as it was put. */
export const getBucketPolicy: BucketOperation = ({ bucket }) => {
  const { policy } = bucket.record
  if (policy === undefined) throw new S3Error('NoSuchBucketPolicy', 'the bucket has no policy')
  return { status: 200, headers: { 'content-type': 'application/json' }, text: policy }
}

/** Nothing keeps an owner from denying itself everything, this operation included (Ceph RGW 16). */
export const putBucketPolicy: BucketOperation = async (request, service) => {
  const policy = await request.body.text(maxXmlBytes)
  acceptPolicy(policy, request, service)
  request.bucket.update({ policy })
  return emptyAnswer(204)
}

/** A policy as the server reads it. Throws what {@link parsePolicy} and {@link checkPolicy} throw. */
export function acceptPolicy(
  text: string,
  { bucket }: BucketRequest,
  { rules: { policies }, projects }: Service,
): Policy {
  const { tenant, name } = bucket.record
  const policy = parsePolicy(text, tenant, policies)
  checkPolicy(policy, policies, {
    bucketName: name,
    isKnownPrincipal: (principal) => projects.hasPrincipal(principal),
  })
  return policy
}

export const deleteBucketPolicy: BucketOperation = ({ bucket }) => {
  bucket.update({ policy: undefined })
  return emptyAnswer(204)
}
