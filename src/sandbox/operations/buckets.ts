import { privateAcl } from '../access/acl.ts'
import { requestedAcl } from '../access/requested-acl.ts'
import { type BucketOperation, emptyAnswer, type ServiceOperation, xmlAnswer } from '../request.ts'
import { accessDenied, S3Error } from '../s3-error.ts'
import { parseBucketAddress } from '../state/buckets.ts'
import { buildXml, childText, parseXml } from '../xml.ts'
import { maxXmlBytes } from './limits.ts'

/** The only location there is, as a Ceph RGW of one zone group calls it. */
const location = 'default'
const bucketName = /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/

/** The caller's own buckets: those shared with it are not listed. */
export const listBuckets: ServiceOperation = ({ identity }, { buckets }) => {
  const own = buckets.list().filter(({ record }) => !identity.anonymous && record.ownerId === identity.id)
  return xmlAnswer(
    buildXml('ListAllMyBucketsResult', {
      Owner: { ID: identity.id, DisplayName: identity.displayName },
      Buckets: {
        Bucket: own
          .map(({ record }) => ({ Name: record.name, CreationDate: record.createdAt }))
          .sort((left, right) => (left.Name < right.Name ? -1 : 1)),
      },
    }),
  )
}

/** Creating one's own bucket again is no failure (Ceph RGW). Throws BucketAlreadyExists for another's name. */
export const createBucket: ServiceOperation = async (request, { buckets, projects }) => {
  const { identity } = request
  const { tenant, name } = parseBucketAddress(request.bucketName, identity.tenant)
  if (identity.anonymous || tenant !== identity.tenant) throw accessDenied()
  if (!bucketName.test(name) || name.includes('..') || /^\d+\.\d+\.\d+\.\d+$/.test(name)) {
    throw new S3Error('InvalidBucketName', 'a bucket name has 3 to 63 of a-z, 0-9, - and .')
  }
  const body = await request.body.text(maxXmlBytes)
  if (body !== '') {
    const constraint = childText(parseXml(body, 'CreateBucketConfiguration'), 'LocationConstraint') ?? ''
    if (constraint !== '' && constraint !== location) {
      throw new S3Error('InvalidLocationConstraint', `the sandbox has one location, ${location}`)
    }
  }
  const ownerId = identity.id
  const acl =
    requestedAcl(request.headers, { ownerId, bucketOwnerId: ownerId }, projects) ?? privateAcl(ownerId)
  const existing = buckets.find(request.bucketName, identity.tenant)
  if (existing !== undefined && existing.record.ownerId !== ownerId) {
    throw new S3Error('BucketAlreadyExists', 'the name is taken')
  }
  if (existing === undefined) {
    buckets.create({ tenant, name, ownerId, createdAt: request.now.toISOString(), versioning: 'off', acl })
  }
  return emptyAnswer(200, { location: `/${request.bucketName}` })
}

export const headBucket: BucketOperation = () => emptyAnswer(200)

/** Unfinished uploads do not keep a bucket from being deleted: they are lost with it (Ceph RGW). */
export const deleteBucket: BucketOperation = ({ bucket }, { buckets }) => {
  if (!bucket.isEmpty) throw new S3Error('BucketNotEmpty', 'the bucket holds objects or versions')
  buckets.remove(bucket)
  return emptyAnswer(204)
}

export const getBucketLocation: BucketOperation = () =>
  xmlAnswer(buildXml('LocationConstraint', { '#text': location }))

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
