import type { AccessEntry } from '../storage/access/access-entries.ts'
import { isTypedIdentity, parseGrantee, serializeGrantee } from '../storage/access/grantee.ts'
import {
  canonicalIdOf,
  granteeOfCanonicalId,
  principalCovers,
  principalOf,
  sameProject,
  type Principal,
} from '../storage/access/principal.ts'
import { AppError } from '../util/errors.ts'
import type { AccessEvent } from './access-history.ts'
import type { Project } from './project-book.ts'
import type { Sharing } from './sharing.ts'

/** What this machine knows about the projects that a bucket names. */
export interface Acquaintances {
  /** The address book. */
  projects: readonly Project[]
  /** What was done to this bucket at this server from here, the oldest first. */
  events: readonly AccessEvent[]
}

/** Somebody whom a bucket's policy or ACLs let in, as this machine knows them: part of the --json contract. */
export interface Whom {
  /** A typed identity where there is one, else as the server writes it; `anyone` for everyone. */
  who: string
  /** In the address book. */
  name?: string
  /** True for one who is neither the owner nor in the address book. */
  unknown?: true
}

/** One answer to "who can do what, since when": part of the --json contract. */
export interface ShownAccess extends AccessEntry, Whom {
  /** ISO 8601: when this machine gave it, or took it away. */
  since?: string
}

/** Tells who the identities of a bucket are. */
export interface Recognition {
  /** The owner's canonical id as a typed identity, with its name. */
  owner: Whom
  ofCanonicalId(id: string): Whom
  /** As policies and ACLs show it. */
  ofAccess(entry: AccessEntry): ShownAccess
}

/** Recognises by the address book and the history; an identity has many spellings, and all of them are tried. */
export function recognition({ ownerId, provider }: Sharing, known: Acquaintances): Recognition {
  const { dialect } = provider
  const spelled = (who: string): Spelled => spelledIdentity(who, dialect)
  const projects = known.projects.map(({ name, identity }) => ({ name, identity: spelled(identity) }))
  const events = known.events.map((event) => ({ event, identity: spelled(event.identity ?? '') }))
  const ownerWho = serializeGrantee(granteeOfCanonicalId(ownerId, dialect))
  const owner = spelled(ownerWho)

  const nameOf = (identity: Spelled): string | undefined =>
    projects.find((project) => isSame(project.identity, identity))?.name
  const whom = (who: string, isPublic = false): Whom => {
    const identity = spelled(who)
    const name = isPublic ? undefined : nameOf(identity)
    const isKnown = isPublic || name !== undefined || who.startsWith('anyone') || holds(identity, owner)
    return { who, ...(name === undefined ? {} : { name }), ...(isKnown ? {} : { unknown: true }) }
  }
  return {
    owner: whom(ownerWho),
    ofCanonicalId: (id) => whom(serializeGrantee(granteeOfCanonicalId(id, dialect))),
    ofAccess: (entry) => {
      const identity = spelled(entry.who)
      // A statement says it is the owner's by its Sid, which anybody may write.
      const isPretended = entry.access === 'owner' && (entry.public || !holds(identity, owner))
      const access = isPretended ? 'other' : entry.access
      const theirs = events.filter(
        ({ event, identity: one }) => event.identity === undefined || isSame(one, identity),
      )
      const since = sinceOf(
        theirs.map(({ event }) => event),
        access,
      )
      return {
        ...entry,
        access,
        ...whom(entry.who, entry.public),
        ...(since === undefined ? {} : { since }),
      }
    },
  }
}

/**
 * Since when a project has had its access without a break, by what was done from here; undefined when the last thing
 * that was done does not fit what it has now.
 */
export function sinceOf(events: readonly AccessEvent[], access: AccessEntry['access']): string | undefined {
  let state: { given?: AccessEvent; takenAt?: string } = {}
  for (const event of events) {
    if (event.what === 'revoked' || event.what === 'closed') state = { takenAt: event.at }
    else if (event.what !== 'adopted') state = { given: goingOn(state.given, event) }
  }
  if (access === 'blocked') return state.takenAt
  // An ACL has no word for a role.
  const fits = state.given?.role === access || access === 'other'
  return fits ? state.given?.at : undefined
}

/** A grant of the same role, given while the earlier one was good, goes on with it. */
function goingOn(earlier: AccessEvent | undefined, event: AccessEvent): AccessEvent {
  if (earlier === undefined || earlier.role !== event.role) return event
  const hadEnded = earlier.until !== undefined && earlier.until <= event.at
  return hadEnded ? event : { ...event, at: earlier.at }
}

/** An identity in the forms that ACLs and policies have for it. */
interface Spelled {
  canonicalId: string | undefined
  principal: Principal | undefined
  as: string
}

function spelledIdentity(who: string, dialect: Sharing['provider']['dialect']): Spelled {
  const unreadable = { canonicalId: undefined, principal: undefined, as: who }
  if (!isTypedIdentity(who)) return unreadable
  try {
    const grantee = parseGrantee(who)
    return { canonicalId: canonicalIdOf(grantee, dialect), principal: principalOf(grantee, dialect), as: who }
  } catch (error) {
    // What servers store need not be what sealift would write.
    if (error instanceof AppError) return unreadable
    throw error
  }
}

function isSame(a: Spelled, b: Spelled): boolean {
  if (a.as === b.as) return true
  if (a.canonicalId !== undefined && a.canonicalId === b.canonicalId) return true
  return a.principal !== undefined && b.principal !== undefined && sameProject(a.principal, b.principal)
}

/** The same, or the account or tenant that it belongs to. */
function holds(wide: Spelled, narrow: Spelled): boolean {
  if (isSame(wide, narrow)) return true
  return (
    wide.principal !== undefined &&
    narrow.principal !== undefined &&
    principalCovers(wide.principal, narrow.principal)
  )
}
