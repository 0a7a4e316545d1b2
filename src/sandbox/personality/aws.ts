import { createHash } from 'node:crypto'
import { acceptPolicy } from '../operations/bucket-policy.ts'
import { maxXmlBytes } from '../operations/limits.ts'
import type { Accounts, Identity, SandboxProject } from '../projects.ts'
import { type BucketOperation, emptyAnswer } from '../request.ts'
import type { Rules } from '../rules.ts'
import { accessDenied, S3Error } from '../s3-error.ts'
import type { Personality } from './personality.ts'

/**
 * AWS S3 as it is for a new bucket: Object Ownership is BucketOwnerEnforced and public policies are blocked (S3 User
 * Guide, "Controlling ownership of objects", "Blocking public access"). Each project is an account with its root user.
 */
const accounts: Accounts = {
  kind: 'aws',
  identify: (project) => ({
    id: canonicalId(project.uid),
    uid: project.uid,
    tenant: '',
    displayName: project.displayName ?? project.uid,
    anonymous: false,
  }),
  bookIdentity: (project) => `arn:aws:iam::${awsAccountId(project)}:root`,
  isPrincipal,
  unknownGrantees: 'refused',
  // S3 stopped sending DisplayName in November 2025.
  shownOwner: ({ id }) => ({ ID: id }),
}

/** What an account can do in its bucket whatever the policy says. */
const owners = ['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy']

const rules: Rules = {
  accounts,
  policies: {
    malformed: 'MalformedPolicy',
    versions: ['2012-10-17', '2008-10-17', undefined],
    namingKinds: ['AWS', 'CanonicalUser'],
    bareNames: false,
    otherKinds: 'accepted',
    missingPrincipal: 'refused',
    notPrincipal: 'judged',
    conditions: 'iam',
    unknownPrincipals: 'refused',
    resources: 'checked',
  },
  decide: ({ verdict, ownsBucket, action }) =>
    verdict === 'deny' ? ownsBucket && owners.includes(action) : verdict === 'allow' || ownsBucket,
  aclOwners: 'repair',
  uploadsBelongTo: 'bucket-owner',
  uploadAcl: 'owner-only',
  newBucketAcl: 'refused',
  missingKey: 'by-listing',
  partsListedBy: 'uploader',
  listedBuckets: 'own',
  multiDelete: 'keys',
  multiDeleteNeedsMd5: false,
  createAgain: 'refused',
  // us-east-1 has no name there.
  location: '',
  tenantAddresses: false,
  conditionalPut: 'obeyed',
  checksums: 'verified',
  awsChunked: 'decoded',
  unknownSubResources: 'refused',
}

const refuseAcl: BucketOperation = () => {
  throw new S3Error('AccessControlListNotSupported', 'The bucket does not allow ACLs')
}

/** Principals come back as ARNs, whatever they were put as: what is read has to be compared by meaning. */
const putPolicy: BucketOperation = async (request, service) => {
  const text = await request.body.text(maxXmlBytes)
  const policy = acceptPolicy(text, request, service)
  const isPublic = policy.statements.some(
    ({ effect, principals, conditions }) =>
      effect === 'Allow' && conditions.length === 0 && (principals.except || principals.names.includes('*')),
  )
  if (isPublic) throw accessDenied('public policies are blocked by BlockPublicPolicy')
  request.bucket.update({ policy: spelledAsArns(text, (id) => service.projects.byId(id)?.uid) })
  return emptyAnswer(204)
}

export const aws: Personality = {
  rules,
  operations: { PutBucketAcl: refuseAcl, PutObjectAcl: refuseAcl, PutBucketPolicy: putPolicy },
}

/** The twelve digits of a project's account. */
export function awsAccountId({ uid }: Pick<SandboxProject, 'uid'>): string {
  const number = createHash('sha256').update(`account ${uid}`).digest().readUIntBE(0, 6)
  return String(number % 10 ** 12).padStart(12, '0')
}

/** 64 hex digits, which ACLs and listings show. */
function canonicalId(uid: string): string {
  return createHash('sha256').update(`canonical id ${uid}`).digest('hex')
}

/** The account by its number, its ARN or its canonical id, and the one user each account has here. */
function isPrincipal(name: string, identity: Identity): boolean {
  if (name === '*') return true
  if (identity.anonymous) return false
  const account = awsAccountId(identity)
  return [
    account,
    `arn:aws:iam::${account}:root`,
    `arn:aws:iam::${account}:user/${identity.uid}`,
    identity.id,
  ].includes(name)
}

type JsonObject = Record<string, unknown>

function spelledAsArns(text: string, uidOf: (canonicalId: string) => string | undefined): string {
  const policy = JSON.parse(text) as JsonObject
  const listed = policy['Statement']
  const statements = (Array.isArray(listed) ? listed : [listed]) as JsonObject[]
  const arn = (name: string): string => {
    const uid = uidOf(name)
    if (uid !== undefined) return `arn:aws:iam::${awsAccountId({ uid })}:root`
    return /^\d{12}$/.test(name) ? `arn:aws:iam::${name}:root` : name
  }
  const respell = (principal: unknown): unknown => {
    if (typeof principal !== 'object' || principal === null) return principal
    const names = Object.values(principal as JsonObject).flat() as string[]
    return { AWS: names.length === 1 ? arn(names[0] ?? '') : names.map(arn) }
  }
  const rewritten = statements.map((statement) =>
    Object.fromEntries(
      Object.entries(statement).map(([key, value]) => [
        key,
        key.endsWith('Principal') ? respell(value) : value,
      ]),
    ),
  )
  return JSON.stringify({ ...policy, Statement: rewritten })
}
