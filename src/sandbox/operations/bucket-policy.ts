import { parsePolicy } from '../access/policy-document.ts'
import { type BucketOperation, emptyAnswer } from '../request.ts'
import { S3Error } from '../s3-error.ts'
import { maxXmlBytes } from './limits.ts'

/** Gives the policy back as it was put. */
export const getBucketPolicy: BucketOperation = ({ bucket }) => {
  const { policy } = bucket.record
  if (policy === undefined) throw new S3Error('NoSuchBucketPolicy', 'the bucket has no policy')
  return { status: 200, headers: { 'content-type': 'application/json' }, text: policy }
}

/** Nothing keeps an owner from denying itself everything, this operation included (Ceph RGW 16). */
export const putBucketPolicy: BucketOperation = async ({ bucket, body }) => {
  const policy = await body.text(maxXmlBytes)
  parsePolicy(policy, bucket.record.tenant)
  bucket.update({ policy })
  return emptyAnswer(204)
}

export const deleteBucketPolicy: BucketOperation = ({ bucket }) => {
  bucket.update({ policy: undefined })
  return emptyAnswer(204)
}
