import { listJournals } from '../transfer/journal/list-journals.ts'
import { readHistory, type AccessEvent } from './access-history.ts'
import { readProjects, type Project } from './project-book.ts'

/** Where this machine keeps what it knows. */
export interface KnownPlaces {
  /** The server that is looked at. */
  endpoint: string
  projectBook: string
  accessHistory: string
  /** Journals of unfinished transfers. */
  transfers: string
}

/** What this machine knows about a server's projects, grants and uploads. */
export interface KnownHere {
  /** The address book. */
  projects: readonly Project[]
  /** What was done to the access of this server's buckets from here, the oldest first. */
  events: readonly AccessEvent[]
  /** Lines of that history that could not be read. */
  damagedLines: number
  /** Multipart uploads of this machine's own transfers. */
  ownUploadIds: ReadonlySet<string>
}

/** Reads the address book, the history and the journals. Throws FILE_UNREADABLE. */
export async function readKnownHere(places: KnownPlaces): Promise<KnownHere> {
  const [projects, { events, damagedLines }, journals] = await Promise.all([
    readProjects(places.projectBook),
    readHistory(places.accessHistory),
    listJournals(places.transfers),
  ])
  const uploadIds = journals.flatMap(({ state }) =>
    [...(state?.uploads.values() ?? [])].map(({ begun }) => begun.uploadId),
  )
  return {
    projects,
    events: events.filter((event) => isSameServer(event.endpoint, places.endpoint)),
    damagedLines,
    ownUploadIds: new Set(uploadIds),
  }
}

function isSameServer(a: string, b: string): boolean {
  const address = (endpoint: string): string => (URL.parse(endpoint)?.href ?? endpoint).replace(/\/+$/, '')
  return address(a) === address(b)
}
