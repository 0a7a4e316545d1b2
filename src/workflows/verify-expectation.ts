import { policyEntries, type AccessEntry } from '../storage/access/access-entries.ts'
import { isTypedIdentity, parseGrantee } from '../storage/access/grantee.ts'
import { KEY_CARD_PREFIX } from '../storage/access/key-card.ts'
import {
  granteeOfCanonicalId,
  principalCovers,
  principalOf,
  sameProject,
  type Principal,
} from '../storage/access/principal.ts'
import type { Role } from '../storage/access/roles.ts'
import { parseSid } from '../storage/access/sid.ts'
import type { IdentityDialect, Provider } from '../storage/provider/provider.ts'
import { hasCode } from '../util/errors.ts'
import type { ProbeAttempt, ProbeOperation } from './access-probe.ts'
import type { Sharing } from './sharing.ts'

/**
 * What has to come of a request by what the bucket's policy and ACL grant. `unclear`: something that is no role of ours
 * has a say in it.
 */
export type Expectation = 'allowed' | 'denied' | 'unclear'

/** What a caller has, read off policy and ACL; nothing of it was asked of the server. */
export interface CallerRights {
  isOwner: boolean
  /** Denied by name. */
  isBlocked: boolean
  /** Roles that have not ended. */
  roles: readonly GrantedRole[]
  /** A statement or a grant that is no role of ours may allow more. */
  maybeMore: boolean
  /** Somebody is named in a way that cannot be compared with how the caller is called. */
  isUntold: boolean
  /** A foreign Deny, or a condition that cannot be judged from here, may allow less. */
  maybeLess: boolean
}

interface GrantedRole {
  role: Role
  prefix: string
  /** SD Connect's roles do not reach ACLs and listings of versions. */
  isSdConnect: boolean
}

/** What the bucket gives to a caller; `canonicalId` undefined for requests without a signature. */
export function rightsOf(sharing: Sharing, canonicalId: string | undefined, now: Date): CallerRights {
  const { policy, bucket, acl, ownerId, provider } = sharing
  const entries = policyEntries(policy, bucket, now, provider.dialect).filter(
    ({ expired }) => expired !== true,
  )
  const about = entries.filter((entry) => namedIn(entry, canonicalId, provider) === 'yes')
  const isUntold = entries.some((entry) => namedIn(entry, canonicalId, provider) === 'untold')
  const roles = about.filter(isRole)
  const byAcl = acl.grants.some(({ grantee }) =>
    grantee.type === 'canonical'
      ? grantee.id === canonicalId
      : canonicalId !== undefined || grantee.uri.endsWith('/global/AllUsers'),
  )
  return {
    isOwner: canonicalId === ownerId,
    isBlocked: about.some(({ access }) => access === 'blocked'),
    roles: roles.map(({ access, prefix = '', by }) => ({
      role: access,
      prefix,
      isSdConnect: by === 'sd-connect',
    })),
    isUntold,
    maybeMore: byAcl || about.some(({ access }) => access === 'other' || access === 'owner'),
    maybeLess: about.some((entry) => isForeignDeny(entry) || entry.fromIp !== undefined),
  }
}

/** True for a caller who is to get nothing at all, as far as can be told. */
export function hasNothing({ isOwner, roles, maybeMore }: CallerRights): boolean {
  return !isOwner && roles.length === 0 && !maybeMore
}

/** What must come of one request; `uploaderOwns` and what listings can be limited to are the server's. */
export function expectationOf(
  rights: CallerRights,
  { operation, place = '' }: Pick<ProbeAttempt, 'operation' | 'place'>,
  { provider }: Sharing,
): Expectation {
  const { isOwner, isBlocked, roles, isUntold, maybeMore, maybeLess } = rights
  if (isOwner) return maybeLess ? 'unclear' : 'allowed'
  if (isBlocked) return 'denied'
  const { uploaderOwns, prefixCondition } = provider.capabilities
  const isOwn = uploaderOwns && operation === 'GetObject of its own upload'
  const limitsListings = prefixCondition === 'enforced'
  if (isOwn || roles.some((granted) => allows(granted, operation, place, limitsListings))) {
    return maybeLess || isUntold ? 'unclear' : 'allowed'
  }
  return maybeMore || isUntold || isOpenCard(roles, place) ? 'unclear' : 'denied'
}

/** SD Connect's own grants leave the key card open to whoever may write. */
function isOpenCard(roles: readonly GrantedRole[], place: string): boolean {
  return place === KEY_CARD_PREFIX && roles.some(({ isSdConnect }) => isSdConnect)
}

/** What decides about an operation: a role, and where it is tried. */
interface Case {
  /** Reader or collaborator. */
  reads: boolean
  /** Depositor or collaborator. */
  writes: boolean
  /** The role is for the bucket as a whole. */
  isWhole: boolean
  /** The place is within what the role is for. */
  isWithin: boolean
  /** The place is the key card, and the role lets it be read. */
  showsCard: boolean
  /** The place is the key card: nobody else than the owner writes there. */
  isCard: boolean
  isSdConnect: boolean
  limitsListings: boolean
}

type Rule = (situation: Case) => boolean

const never: Rule = () => false
const reading: Rule = ({ reads, isWithin, showsCard }) => showsCard || (reads && isWithin)
const writing: Rule = ({ writes, isWithin, isCard }) => writes && isWithin && !isCard
const both: Rule = (situation) => situation.reads && writing(situation)

/** docs/sharing.md, "Roles", line by line; not taken from the code that writes the statements. */
const RULES: Readonly<Record<ProbeOperation, Rule>> = {
  ListObjectsV2: ({ reads, isWhole, isWithin, showsCard, limitsListings }) =>
    (showsCard && limitsListings) || (reads && isWithin && (isWhole || limitsListings)),
  ListObjectVersions: ({ reads, isWhole, isSdConnect }) => reads && isWhole && !isSdConnect,
  ListMultipartUploads: ({ reads, writes, isWhole }) => reads && writes && isWhole,
  GetBucketPolicy: never,
  GetBucketAcl: ({ isSdConnect }) => !isSdConnect,
  HeadObject: reading,
  GetObject: reading,
  GetObjectAcl: ({ showsCard }) => showsCard,
  GetObjectTagging: ({ reads, isWithin }) => reads && isWithin,
  PutObject: writing,
  'GetObject of its own upload': ({ reads, isWithin }) => reads && isWithin,
  'PutObject over another': writing,
  PutObjectAcl: never,
  CreateMultipartUpload: writing,
  UploadPart: writing,
  ListParts: writing,
  CompleteMultipartUpload: writing,
  AbortMultipartUpload: writing,
  CopyObject: both,
  DeleteObject: both,
  'DeleteObject of a version': never,
}

function allows(
  { role, prefix, isSdConnect }: GrantedRole,
  operation: ProbeOperation,
  place: string,
  limitsListings: boolean,
): boolean {
  const isCard = place === KEY_CARD_PREFIX
  return RULES[operation]({
    reads: role !== 'depositor',
    writes: role !== 'reader',
    isWhole: prefix === '',
    isWithin: place.startsWith(prefix),
    showsCard: isCard && !isSdConnect,
    isCard,
    isSdConnect,
    limitsListings,
  })
}

function isRole(entry: AccessEntry): entry is AccessEntry & { access: Role } {
  return entry.access === 'depositor' || entry.access === 'reader' || entry.access === 'collaborator'
}

/** Locks of ours on the key card are part of the roles. */
function isForeignDeny({ access, sids = [] }: AccessEntry): boolean {
  return access === 'denied' && !sids.some((sid) => parseSid(sid) !== undefined)
}

type Named = 'yes' | 'no' | 'untold'

/**
 * Whether an entry is about the caller: names it, its account, or everyone. `untold` where the two are named in ways that
 * cannot be compared, such as an account's ARN and a canonical id.
 */
function namedIn(
  { who, public: isPublic }: AccessEntry,
  canonicalId: string | undefined,
  { dialect }: Provider,
): Named {
  if (isPublic || who.startsWith('anyone')) return 'yes'
  if (canonicalId === undefined) return 'no'
  const caller = principalOf(granteeOfCanonicalId(canonicalId, dialect), dialect)
  const named = principalNamed(who, dialect)
  if (named === undefined) return who.includes('*') ? 'untold' : 'no'
  if (caller?.kind !== named.kind) return 'untold'
  return sameProject(named, caller) || principalCovers(named, caller) ? 'yes' : 'no'
}

/** Undefined for what a policy may say and no identity of ours is, such as a pattern. */
function principalNamed(who: string, dialect: IdentityDialect): Principal | undefined {
  if (!isTypedIdentity(who)) return undefined
  try {
    return principalOf(parseGrantee(who), dialect)
  } catch (error) {
    if (hasCode(error, 'USAGE')) return undefined
    throw error
  }
}
