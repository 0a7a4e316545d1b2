import { matchesWildcard } from './wildcard.ts'

/** The actions the sandbox asks policies about (IAM, "Actions for Amazon S3"). */
export const enforcedActions = [
  's3:AbortMultipartUpload',
  's3:CreateBucket',
  's3:DeleteBucket',
  's3:DeleteBucketPolicy',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  's3:GetBucketAcl',
  's3:GetBucketLocation',
  's3:GetBucketPolicy',
  's3:GetBucketVersioning',
  's3:GetObject',
  's3:GetObjectAcl',
  's3:GetObjectVersion',
  's3:GetObjectVersionAcl',
  's3:ListBucket',
  's3:ListBucketMultipartUploads',
  's3:ListBucketVersions',
  's3:ListMultipartUploadParts',
  's3:PutBucketAcl',
  's3:PutBucketPolicy',
  's3:PutBucketVersioning',
  's3:PutObject',
  's3:PutObjectAcl',
  's3:PutObjectVersionAcl',
] as const

export type Action = (typeof enforcedActions)[number]

/** Actions a policy may name although the sandbox has no operation for them. */
const otherActions = [
  's3:BypassGovernanceRetention',
  's3:DeleteBucketWebsite',
  's3:DeleteObjectTagging',
  's3:DeleteObjectVersionTagging',
  's3:DeleteReplicationConfiguration',
  's3:GetAccelerateConfiguration',
  's3:GetBucketCORS',
  's3:GetBucketLogging',
  's3:GetBucketNotification',
  's3:GetBucketObjectLockConfiguration',
  's3:GetBucketPolicyStatus',
  's3:GetBucketPublicAccessBlock',
  's3:GetBucketRequestPayment',
  's3:GetBucketTagging',
  's3:GetBucketWebsite',
  's3:GetLifecycleConfiguration',
  's3:GetObjectLegalHold',
  's3:GetObjectRetention',
  's3:GetObjectTagging',
  's3:GetObjectTorrent',
  's3:GetObjectVersionTagging',
  's3:GetObjectVersionTorrent',
  's3:GetReplicationConfiguration',
  's3:ListAllMyBuckets',
  's3:PutAccelerateConfiguration',
  's3:PutBucketCORS',
  's3:PutBucketLogging',
  's3:PutBucketNotification',
  's3:PutBucketObjectLockConfiguration',
  's3:PutBucketPublicAccessBlock',
  's3:PutBucketRequestPayment',
  's3:PutBucketTagging',
  's3:PutBucketWebsite',
  's3:PutLifecycleConfiguration',
  's3:PutObjectLegalHold',
  's3:PutObjectRetention',
  's3:PutObjectTagging',
  's3:PutObjectVersionTagging',
  's3:PutReplicationConfiguration',
  's3:ReplicateDelete',
  's3:ReplicateObject',
  's3:RestoreObject',
]

/** True when a policy's action, wildcards included, fits. Letters' case does not matter. */
export function matchesAction(pattern: string, action: Action): boolean {
  return matchesWildcard(pattern.toLowerCase(), action.toLowerCase())
}

/** True when some action of S3 fits: a policy that names none is refused, as Ceph RGW does. */
export function isKnownAction(pattern: string): boolean {
  return someAction(pattern, () => true)
}

/** True when a policy's action fits one that is about objects. */
export function isObjectAction(pattern: string): boolean {
  return someAction(pattern, (action) => aboutObjects(action))
}

/** True when a policy's action fits one that is about the bucket itself. */
export function isBucketAction(pattern: string): boolean {
  return someAction(pattern, (action) => !aboutObjects(action))
}

/** By their names, which IAM's table of actions and resource types bears out. */
function aboutObjects(action: string): boolean {
  return !action.includes('Bucket') && /Object|Multipart|Retention|ReplicateDelete/.test(action)
}

function someAction(pattern: string, test: (action: string) => boolean): boolean {
  const lower = pattern.toLowerCase()
  return [...enforcedActions, ...otherActions].some(
    (action) => test(action) && matchesWildcard(lower, action.toLowerCase()),
  )
}
