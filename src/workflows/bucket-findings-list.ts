import type { Provider } from '../storage/provider/provider.ts'
import type { ObjectFindings, ObjectSample } from './bucket-findings-objects.ts'
import type { ShownAccess, Whom } from './bucket-findings-people.ts'
import type { UploadFindings } from './bucket-findings-uploads.ts'

/** What an audit can fail on. */
export type FindingKind =
  /** Everyone, or everyone with an account, gets at something. */
  | 'public'
  /** A grant is past its end: it gives nothing any more, and is still written there. */
  | 'expired'
  /** Objects that the bucket's owner cannot read, or whose ACL it cannot see. */
  | 'unreadable'
  /** Somebody has access who is neither the owner nor in the address book. */
  | 'unknown'
  /** Unfinished multipart uploads of others, or of nobody knows whom. */
  | 'uploads'

/** Something that somebody should look at: part of the --json contract. */
export interface Finding {
  kind: FindingKind
  /** A sentence for people. */
  detail: string
}

/** What a bucket says about access, as far as it was looked at. */
interface Seen {
  access: readonly ShownAccess[]
  objects?: ObjectFindings | undefined
  uploads: UploadFindings
}

/** Everything in a bucket's access that should not go unnoticed. */
export function findingsOf({ access, objects, uploads }: Seen, provider: Provider): Finding[] {
  return [
    ...access.flatMap((one) => accessFindings(one, provider)),
    ...(objects === undefined ? [] : objectFindingList(objects)),
    ...uploadFindingList(uploads),
  ]
}

function accessFindings(access: ShownAccess, { title, capabilities }: Provider): Finding[] {
  if (access.access === 'denied' || access.access === 'blocked') return []
  const what = `${access.actions.join(', ')} by ${access.mechanism}`
  const who = nameOf(access)
  const found: Finding[] = []
  const isEnded = access.expired === true && capabilities.policyConditions === 'enforced'
  if (access.expired === true) {
    const but = isEnded ? 'is still written there' : `is still open: ${title} is not known to look at the end`
    found.push({ kind: 'expired', detail: `what ${who} had until ${access.until ?? 'then'} ${but}` })
  }
  if (isEnded) return found
  if (access.public) found.push({ kind: 'public', detail: `${who} may ${what}` })
  if (access.unknown === true) found.push({ kind: 'unknown', detail: `nobody knows ${who}, who may ${what}` })
  return found
}

function objectFindingList({ grants, uncounted, unreadable, hidden }: ObjectFindings): Finding[] {
  const found: Finding[] = []
  for (const grant of grants) {
    if (grant.blocked) continue
    const what = `by the ACL of ${sampleOf(grant)}`
    const may = grant.permissions.length === 0 ? 'owns and reads' : `may ${grant.permissions.join(', ')}`
    if (grant.public) found.push({ kind: 'public', detail: `${nameOf(grant)} ${may}, ${what}` })
    if (grant.unknown === true) {
      found.push({ kind: 'unknown', detail: `nobody knows ${nameOf(grant)}, who ${may}, ${what}` })
    }
  }
  if (uncounted > 0) {
    found.push({
      kind: 'unknown',
      detail: `${uncounted} more grants name more identities than are told apart`,
    })
  }
  if (unreadable.count > 0) {
    found.push({ kind: 'unreadable', detail: `you cannot read ${sampleOf(unreadable)}` })
  }
  if (hidden.count > 0) {
    found.push({ kind: 'unreadable', detail: `you cannot see who else may read ${sampleOf(hidden)}` })
  }
  return found
}

function uploadFindingList({ others, unclear }: UploadFindings): Finding[] {
  if (others > 0) return [{ kind: 'uploads', detail: `${uploadsOf(others)} of others` }]
  if (unclear === 0) return []
  return [{ kind: 'uploads', detail: `${uploadsOf(unclear)}, nobody knows whose` }]
}

function uploadsOf(number: number): string {
  return number === 1 ? '1 unfinished upload' : `${number} unfinished uploads`
}

function nameOf({ who, name }: Whom): string {
  return name === undefined ? who : `${name} (${who})`
}

/** `3 objects (a, b, c)`, `1200 objects (a, b, c, …)`. */
function sampleOf({ count, examples }: ObjectSample): string {
  const named = examples.slice(0, NAMED_HERE).join(', ')
  return `${count} ${count === 1 ? 'object' : 'objects'} (${named}${count > NAMED_HERE ? ', …' : ''})`
}

/** Objects that a sentence names. */
const NAMED_HERE = 3
