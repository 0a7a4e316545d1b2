import { acceptPolicy } from '../operations/bucket-policy.ts'
import { maxXmlBytes } from '../operations/limits.ts'
import type { Accounts } from '../projects.ts'
import { type BucketOperation, type BucketRequest, emptyAnswer, xmlAnswer } from '../request.ts'
import type { Rules } from '../rules.ts'
import { S3Error } from '../s3-error.ts'
import { buildXml, childElements, childText, parseXml } from '../xml.ts'
import { accessKeyAccounts } from './access-key-accounts.ts'
import type { Personality } from './personality.ts'

/** Whom MinIO calls the owner of everything (cmd/bucket-handlers.go, globalMinioDefaultOwnerID). */
const minioOwner = {
  ID: '02d6176db174dc93cb1b899f7c6078f08654445fe8cf1b6ce98d8855f66bdbf4',
  DisplayName: 'minio',
}

const accounts: Accounts = {
  ...accessKeyAccounts,
  unknownGrantees: 'accepted',
  shownOwner: () => minioOwner,
}

/**
 * MinIO of 2026-02, measured and read in its source (cmd/acl-handlers.go, cmd/auth-handler.go): who signs gets what the
 * server's own user management says, and bucket policies are for the anonymous only. Here that management lets each
 * project into the buckets it made and nowhere else.
 */
const rules: Rules = {
  accounts,
  policies: {
    malformed: 'MalformedPolicy',
    versions: ['2012-10-17'],
    namingKinds: ['AWS'],
    bareNames: false,
    otherKinds: 'refused',
    missingPrincipal: 'refused',
    notPrincipal: 'ignored',
    conditions: 'iam',
    unknownPrincipals: 'accepted',
    resources: 'checked',
  },
  decide: ({ anonymous, verdict, ownsBucket }) => (anonymous ? verdict === 'allow' : ownsBucket),
  aclOwners: 'repair',
  uploadsBelongTo: 'bucket-owner',
  uploadAcl: 'ignored',
  newBucketAcl: 'ignored',
  missingKey: 'by-request',
  partsListedBy: 'uploader',
  listedBuckets: 'own',
  multiDelete: 'keys',
  multiDeleteNeedsMd5: false,
  createAgain: 'refused',
  location: '',
  tenantAddresses: false,
  conditionalPut: 'obeyed',
  checksums: 'verified',
  awsChunked: 'decoded',
  // `DELETE ?analytics` deletes an empty bucket. Those MinIO does know (`?encryption`) are not told apart here.
  unknownSubResources: 'ignored',
}

/** One grant of everything, to nobody in particular. */
const getAcl: BucketOperation = () =>
  xmlAnswer(
    buildXml('AccessControlPolicy', {
      Owner: { ID: '', DisplayName: '' },
      AccessControlList: {
        Grant: {
          Grantee: {
            '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
            '@xsi:type': 'CanonicalUser',
            Type: 'CanonicalUser',
          },
          Permission: 'FULL_CONTROL',
        },
      },
    }),
  )

/** "This is a dummy call": whatever begins with a FULL_CONTROL grant, as clients write it, is answered and forgotten. */
const putAcl: BucketOperation = async (request) => {
  const body = await request.body.text(maxXmlBytes)
  if (!passes(request, body))
    throw new S3Error('NotImplemented', 'A header you provided implies functionality')
  return emptyAnswer(200)
}

/** What is stored is the policy as MinIO understood it: every value a sorted list. */
const putPolicy: BucketOperation = async (request, service) => {
  const text = await request.body.text(maxXmlBytes)
  acceptPolicy(text, request, service)
  request.bucket.update({ policy: withLists(text) })
  return emptyAnswer(204)
}

type JsonObject = Readonly<Record<string, unknown>>

function withLists(text: string): string {
  const policy = JSON.parse(text) as JsonObject
  const list = (value: unknown): unknown[] => [value].flat().sort()
  const lists = (value: unknown): object => mapValues(value as JsonObject, list)
  const statements = [policy['Statement']].flat().map((statement) =>
    mapValues(statement as JsonObject, (value, key) => {
      if (key === 'Principal') return value === '*' ? { AWS: ['*'] } : lists(value)
      if (key === 'Condition') return mapValues(value as JsonObject, lists)
      return key === 'Action' || key === 'Resource' ? list(value) : value
    }),
  )
  return JSON.stringify({ ...policy, Statement: statements })
}

function mapValues(of: JsonObject, change: (value: unknown, key: string) => unknown): object {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value, key)]))
}

function passes({ headers }: BucketRequest, body: string): boolean {
  const canned = headers['x-amz-acl']
  if (canned !== undefined && canned !== '') return canned === 'private'
  const acl = parseXml(body, 'AccessControlPolicy')
  const first = childElements(childElements(acl, 'AccessControlList')[0] ?? {}, 'Grant')[0]
  return first !== undefined && childText(first, 'Permission') === 'FULL_CONTROL'
}

export const minio: Personality = {
  rules,
  operations: {
    GetBucketAcl: getAcl,
    PutBucketAcl: putAcl,
    GetObjectAcl: getAcl,
    PutObjectAcl: putAcl,
    PutBucketPolicy: putPolicy,
  },
}
