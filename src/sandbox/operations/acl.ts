import { type AclSubject, parseAclXml, requestedAcl } from '../access/requested-acl.ts'
import type { Identity, OwnedThing, Projects } from '../projects.ts'
import { type BucketOperation, type BucketRequest, emptyAnswer, type Service, xmlAnswer } from '../request.ts'
import type { AclRecord } from '../state/records.ts'
import { buildXml, type XmlElement } from '../xml.ts'
import { maxXmlBytes } from './limits.ts'
import { existingVersion } from './object-version.ts'

const schemaInstance = 'http://www.w3.org/2001/XMLSchema-instance'

export const getBucketAcl: BucketOperation = ({ bucket }, { projects }) =>
  xmlAnswer(buildAclXml(bucket.record.acl, projects))

export const putBucketAcl: BucketOperation = async (request, service) => {
  const { ownerId } = request.bucket.record
  const acl = await readAcl(request, { ownerId, bucketOwnerId: ownerId }, service)
  request.bucket.update({ acl })
  return emptyAnswer(200)
}

export const getObjectAcl: BucketOperation = (request, { projects }) =>
  xmlAnswer(buildAclXml(existingVersion(request).acl, projects))

export const putObjectAcl: BucketOperation = async (request, service) => {
  const { ownerId } = existingVersion(request).acl
  const acl = await readAcl(request, { ownerId, bucketOwnerId: request.bucket.record.ownerId }, service)
  request.bucket.replaceVersion(request.objectKey, { ...existingVersion(request), acl })
  return emptyAnswer(200)
}

/** From the headers, or else from the body. */
async function readAcl(
  request: BucketRequest,
  subject: AclSubject,
  { projects }: Service,
): Promise<AclRecord> {
  const fromHeaders = requestedAcl(request.headers, subject, projects)
  return fromHeaders ?? parseAclXml(await request.body.text(maxXmlBytes), subject.ownerId, projects)
}

function buildAclXml(acl: AclRecord, projects: Projects): string {
  return buildXml('AccessControlPolicy', {
    Owner: ownerXml(acl.ownerId, projects),
    AccessControlList: {
      Grant: acl.grants.map(({ grantee, permission }) => ({
        Grantee: {
          '@xmlns:xsi': schemaInstance,
          ...(grantee.type === 'canonical'
            ? { '@xsi:type': 'CanonicalUser', ...ownerXml(grantee.id, projects) }
            : { '@xsi:type': 'Group', URI: grantee.uri }),
        },
        Permission: permission,
      })),
    },
  })
}

/** ID and DisplayName of an owner, initiator or grantee, as far as the server tells them. */
export function ownerXml(
  id: string,
  projects: Projects,
  of: OwnedThing = 'itself',
  asker?: Identity,
): XmlElement | undefined {
  const owner = projects.shownOwner(id, of, asker)
  return owner === undefined ? undefined : { ...owner }
}
