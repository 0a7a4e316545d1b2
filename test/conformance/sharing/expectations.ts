import type { Role } from '../../../src/storage/access/roles.ts'
import type { Operation } from './operations.ts'

/**
 * What each role may do, written down after docs/sharing.md, "Roles", and not taken from the code that makes the grants.
 * `own`: only on what it uploaded itself, where an object belongs to its uploader; otherwise not.
 */
type Right = 'yes' | 'no' | 'own'

const ROLE_RIGHTS: Readonly<Record<Operation, Readonly<Record<Role, Right>>>> = {
  ListObjects: { depositor: 'no', reader: 'yes', collaborator: 'yes' },
  'ListObjects of keys/': { depositor: 'yes', reader: 'yes', collaborator: 'yes' },
  ListObjectVersions: { depositor: 'no', reader: 'yes', collaborator: 'yes' },
  ListMultipartUploads: { depositor: 'no', reader: 'no', collaborator: 'yes' },
  HeadObject: { depositor: 'no', reader: 'yes', collaborator: 'yes' },
  GetObject: { depositor: 'no', reader: 'yes', collaborator: 'yes' },
  'GetObject of a key': { depositor: 'yes', reader: 'yes', collaborator: 'yes' },
  'GetObject of a delivery': { depositor: 'own', reader: 'yes', collaborator: 'yes' },
  PutObject: { depositor: 'yes', reader: 'no', collaborator: 'yes' },
  'PutObject over another': { depositor: 'yes', reader: 'no', collaborator: 'yes' },
  'PutObject of a key': { depositor: 'no', reader: 'no', collaborator: 'no' },
  'PutObject over a key': { depositor: 'no', reader: 'no', collaborator: 'no' },
  CreateMultipartUpload: { depositor: 'yes', reader: 'no', collaborator: 'yes' },
  UploadPart: { depositor: 'yes', reader: 'no', collaborator: 'yes' },
  ListParts: { depositor: 'yes', reader: 'no', collaborator: 'yes' },
  CompleteMultipartUpload: { depositor: 'yes', reader: 'no', collaborator: 'yes' },
  AbortMultipartUpload: { depositor: 'yes', reader: 'no', collaborator: 'yes' },
  CopyObject: { depositor: 'no', reader: 'no', collaborator: 'yes' },
  DeleteObject: { depositor: 'no', reader: 'no', collaborator: 'yes' },
  'DeleteObject of a delivery': { depositor: 'no', reader: 'no', collaborator: 'yes' },
  'DeleteObject of a key': { depositor: 'no', reader: 'no', collaborator: 'no' },
  DeleteObjects: { depositor: 'no', reader: 'no', collaborator: 'yes' },
  GetBucketPolicy: { depositor: 'no', reader: 'no', collaborator: 'no' },
  PutBucketPolicy: { depositor: 'no', reader: 'no', collaborator: 'no' },
  GetBucketAcl: { depositor: 'yes', reader: 'yes', collaborator: 'yes' },
  PutBucketAcl: { depositor: 'no', reader: 'no', collaborator: 'no' },
  GetObjectAcl: { depositor: 'no', reader: 'no', collaborator: 'no' },
  'GetObjectAcl of a key': { depositor: 'yes', reader: 'yes', collaborator: 'yes' },
  'GetObjectAcl of a delivery': { depositor: 'own', reader: 'no', collaborator: 'own' },
  PutObjectAcl: { depositor: 'no', reader: 'no', collaborator: 'no' },
  'PutObjectAcl of a delivery': { depositor: 'own', reader: 'no', collaborator: 'own' },
  DeleteBucket: { depositor: 'no', reader: 'no', collaborator: 'no' },
}

/** When an operation is tried: the grantee has its role only during the second. */
export const MOMENTS = ['before', 'during', 'expired', 'revoked'] as const
export type Moment = (typeof MOMENTS)[number]

/**
 * Who tries. `other` has a grant of its own all the while, which nothing done to the grantee may touch; its role is
 * another one than the grantee's.
 */
export const CALLERS = ['owner', 'grantee', 'other', 'outsider', 'anonymous'] as const
export type Caller = (typeof CALLERS)[number]

export const ROLE_OF_OTHER: Readonly<Record<Role, Role>> = {
  depositor: 'reader',
  reader: 'collaborator',
  collaborator: 'depositor',
}

export interface Situation {
  /** The grantee's. */
  role: Role
  moment: Moment
  caller: Caller
  operation: Operation
}

/** Whether the server must let a caller do an operation; on a server where uploads belong to their uploaders. */
export function isExpected({ role, moment, caller, operation }: Situation): boolean {
  const rights = ROLE_RIGHTS[operation]
  switch (caller) {
    case 'owner':
      return true
    case 'grantee':
      return moment === 'during' && rights[role] !== 'no'
    case 'other':
      // What was delivered is never its own.
      return rights[ROLE_OF_OTHER[role]] === 'yes'
    case 'outsider':
    case 'anonymous':
      return false
  }
}
