import type { BucketOperationName } from '../routes.ts'
import type { Rules } from '../rules.ts'
import type { Bucket } from '../state/bucket.ts'
import type { AclRecord } from '../state/records.ts'
import type { Permission } from './acl.ts'
import type { Action } from './actions.ts'
import type { Access } from './authorize.ts'

/** What an operation needs: the action a policy has to allow, and which ACL decides where it is silent. */
type Right =
  | { by: 'bucket'; action: Action; permission: Permission }
  | { by: 'owner'; action: Action }
  | { by: 'write'; action: Action; ofVersion?: Action }
  | { by: 'each'; action: Action; permission: Permission }
  | { by: 'object' | 'upload'; action: Action; ofVersion?: Action; permission: Permission }

/** Ceph RGW 16.2's own table, as seen from outside. A bucket's WRITE grant is enough to delete it when it is empty. */
// prettier-ignore
const rights: Readonly<Record<BucketOperationName, Right>> = {
  HeadBucket: { by: 'bucket', action: 's3:ListBucket', permission: 'READ' },
  DeleteBucket: { by: 'bucket', action: 's3:DeleteBucket', permission: 'WRITE' },
  GetBucketLocation: { by: 'owner', action: 's3:GetBucketLocation' },
  GetBucketVersioning: { by: 'owner', action: 's3:GetBucketVersioning' },
  PutBucketVersioning: { by: 'owner', action: 's3:PutBucketVersioning' },
  GetBucketPolicy: { by: 'bucket', action: 's3:GetBucketPolicy', permission: 'READ_ACP' },
  PutBucketPolicy: { by: 'bucket', action: 's3:PutBucketPolicy', permission: 'WRITE_ACP' },
  DeleteBucketPolicy: { by: 'bucket', action: 's3:DeleteBucketPolicy', permission: 'WRITE_ACP' },
  GetBucketAcl: { by: 'bucket', action: 's3:GetBucketAcl', permission: 'READ_ACP' },
  PutBucketAcl: { by: 'bucket', action: 's3:PutBucketAcl', permission: 'WRITE_ACP' },
  ListObjects: { by: 'bucket', action: 's3:ListBucket', permission: 'READ' },
  ListObjectsV2: { by: 'bucket', action: 's3:ListBucket', permission: 'READ' },
  ListObjectVersions: { by: 'bucket', action: 's3:ListBucketVersions', permission: 'READ' },
  ListMultipartUploads: { by: 'bucket', action: 's3:ListBucketMultipartUploads', permission: 'READ' },
  DeleteObjects: { by: 'each', action: 's3:DeleteObject', permission: 'WRITE' },
  GetObject: { by: 'object', action: 's3:GetObject', ofVersion: 's3:GetObjectVersion', permission: 'READ' },
  HeadObject: { by: 'object', action: 's3:GetObject', ofVersion: 's3:GetObjectVersion', permission: 'READ' },
  GetObjectAcl: { by: 'object', action: 's3:GetObjectAcl', ofVersion: 's3:GetObjectVersionAcl', permission: 'READ_ACP' },
  PutObjectAcl: { by: 'object', action: 's3:PutObjectAcl', ofVersion: 's3:PutObjectVersionAcl', permission: 'WRITE_ACP' },
  ListParts: { by: 'upload', action: 's3:ListMultipartUploadParts', permission: 'READ' },
  PutObject: { by: 'write', action: 's3:PutObject' },
  CopyObject: { by: 'write', action: 's3:PutObject' },
  CreateMultipartUpload: { by: 'write', action: 's3:PutObject' },
  UploadPart: { by: 'write', action: 's3:PutObject' },
  UploadPartCopy: { by: 'write', action: 's3:PutObject' },
  CompleteMultipartUpload: { by: 'write', action: 's3:PutObject' },
  AbortMultipartUpload: { by: 'write', action: 's3:AbortMultipartUpload' },
  DeleteObject: { by: 'write', action: 's3:DeleteObject', ofVersion: 's3:DeleteObjectVersion' },
}

/** What of a bucket a request is about. */
export interface Subject {
  readonly operation: BucketOperationName
  readonly objectKey: string
  readonly versionId?: string | undefined
  readonly uploadId?: string | undefined
}

/** Refuses what the asker may not do. Throws AccessDenied, or NoSuchKey (see {@link Access.requireObject}). */
export function requireRight(access: Access, bucket: Bucket, subject: Subject, rules: Rules): void {
  const right = rights[subject.operation]
  switch (right.by) {
    case 'bucket':
      access.requireBucket(right.action, right.permission)
      return
    case 'each':
      if (rules.multiDelete !== 'keys') access.requireBucket(right.action, right.permission)
      return
    case 'owner':
      access.requireOwner(right.action)
      return
    case 'write':
      access.requireWrite(actionOf(right, subject), subject.objectKey)
      return
    case 'object':
    case 'upload':
      if (right.by === 'upload' && rules.partsListedBy === 'bucket-readers') {
        access.requireBucket(right.action, right.permission)
        return
      }
      access.requireObject(
        actionOf(right, subject),
        subject.objectKey,
        subjectAcl(right.by, bucket, subject),
        right.permission,
      )
      return
  }
}

function actionOf(right: { action: Action; ofVersion?: Action }, subject: Subject): Action {
  return subject.versionId === undefined ? right.action : (right.ofVersion ?? right.action)
}

function subjectAcl(by: 'object' | 'upload', bucket: Bucket, subject: Subject): AclRecord | undefined {
  return by === 'object'
    ? bucket.find(subject.objectKey, subject.versionId)?.acl
    : bucket.uploads.find(subject.objectKey, subject.uploadId ?? '')?.record.acl
}
