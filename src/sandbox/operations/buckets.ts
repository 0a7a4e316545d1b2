import { privateAcl } from '../access/acl.ts'
import { requestedAcl } from '../access/requested-acl.ts'
import {
  type BucketOperation,
  emptyAnswer,
  type S3Request,
  type Service,
  type ServiceOperation,
  xmlAnswer,
} from '../request.ts'
import { accessDenied, S3Error } from '../s3-error.ts'
import { parseBucketAddress } from '../state/buckets.ts'
import type { AclRecord } from '../state/records.ts'
import { buildXml, childText, parseXml } from '../xml.ts'
import { ownerXml } from './acl.ts'
import { maxXmlBytes } from './limits.ts'

const bucketName = /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/

/** The caller's own buckets: those another project shares with it are not listed. */
export const listBuckets: ServiceOperation = ({ identity }, { buckets, projects, rules }) => {
  const own = buckets
    .list()
    .filter(({ record }) =>
      rules.listedBuckets === 'own' ? record.ownerId === identity.id : record.tenant === identity.tenant,
    )
    .filter(() => !identity.anonymous)
  return xmlAnswer(
    buildXml('ListAllMyBucketsResult', {
      Owner: ownerXml(identity.id, projects),
      Buckets: {
        Bucket: own
          .map(({ record }) => ({ Name: record.name, CreationDate: record.createdAt }))
          .sort((left, right) => (left.Name < right.Name ? -1 : 1)),
      },
    }),
  )
}

/** Throws BucketAlreadyExists for another's name, and on some servers BucketAlreadyOwnedByYou for one's own. */
export const createBucket: ServiceOperation = async (request, { buckets, projects, rules }) => {
  const { identity } = request
  const { tenant, name } = parseBucketAddress(request.bucketName, identity.tenant)
  if (identity.anonymous || tenant !== identity.tenant) throw accessDenied()
  checkBucketName(name)
  checkLocation(await request.body.text(maxXmlBytes), rules.location)
  const ownerId = identity.id
  const acl = requestedBucketAcl(request, { projects, rules }) ?? privateAcl(ownerId)
  const existing = buckets.find(request.bucketName, identity.tenant)
  if (existing !== undefined && existing.record.ownerId !== ownerId) {
    throw new S3Error('BucketAlreadyExists', 'the name is taken')
  }
  if (existing !== undefined && rules.createAgain === 'refused') {
    throw new S3Error('BucketAlreadyOwnedByYou', 'the bucket is yours already')
  }
  if (existing === undefined) {
    buckets.create({ tenant, name, ownerId, createdAt: request.now.toISOString(), versioning: 'off', acl })
  }
  return emptyAnswer(200, { location: `/${request.bucketName}` })
}

function checkBucketName(name: string): void {
  if (!bucketName.test(name) || name.includes('..') || /^\d+\.\d+\.\d+\.\d+$/.test(name)) {
    throw new S3Error('InvalidBucketName', 'a bucket name has 3 to 63 of a-z, 0-9, - and .')
  }
}

function checkLocation(body: string, location: string): void {
  if (body === '') return
  const constraint = childText(parseXml(body, 'CreateBucketConfiguration'), 'LocationConstraint') ?? ''
  if (constraint !== '' && constraint !== location) {
    throw new S3Error('InvalidLocationConstraint', `the sandbox does not know the location ${constraint}`)
  }
}

function requestedBucketAcl(
  { headers, identity }: S3Request,
  { projects, rules }: Pick<Service, 'projects' | 'rules'>,
): AclRecord | undefined {
  if (rules.newBucketAcl === 'ignored') return undefined
  const acl = requestedAcl(headers, { ownerId: identity.id, bucketOwnerId: identity.id }, projects)
  if (rules.newBucketAcl === 'refused' && (acl?.grants.length ?? 0) > 1) {
    throw new S3Error('InvalidBucketAclWithObjectOwnership', 'Bucket cannot have ACLs set')
  }
  return acl
}

export const headBucket: BucketOperation = () => emptyAnswer(200)

/** Unfinished uploads do not keep a bucket from being deleted: they are lost with it (Ceph RGW). */
export const deleteBucket: BucketOperation = ({ bucket }, { buckets }) => {
  if (!bucket.isEmpty) throw new S3Error('BucketNotEmpty', 'the bucket holds objects or versions')
  buckets.remove(bucket)
  return emptyAnswer(204)
}

export const getBucketLocation: BucketOperation = (_request, { rules }) =>
  xmlAnswer(buildXml('LocationConstraint', { '#text': rules.location }))

export const getBucketVersioning: BucketOperation = ({ bucket }) => {
  const { versioning } = bucket.record
  return xmlAnswer(
    buildXml('VersioningConfiguration', { Status: versioning === 'off' ? undefined : versioning }),
  )
}

export const putBucketVersioning: BucketOperation = async ({ bucket, body }) => {
  const status = childText(parseXml(await body.text(maxXmlBytes), 'VersioningConfiguration'), 'Status')
  if (status !== 'Enabled' && status !== 'Suspended') {
    throw new S3Error('MalformedXML', 'Status is Enabled or Suspended')
  }
  bucket.update({ versioning: status })
  return emptyAnswer(200)
}
