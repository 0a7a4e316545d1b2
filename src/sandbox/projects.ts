import { AppError } from '../util/errors.ts'

/** A project that may talk to the sandbox: what Ceph RGW calls a user. */
export interface SandboxProject {
  uid: string
  tenant?: string | undefined
  displayName?: string | undefined
  accessKeyId: string
  secretAccessKey: string
}

/** Who makes a request. */
export interface Identity {
  /** Canonical id: `uid`, or `tenant$uid`. */
  readonly id: string
  readonly uid: string
  /** Empty for the default tenant. */
  readonly tenant: string
  readonly displayName: string
  readonly anonymous: boolean
}

/** A request without a signature. RGW counts it to the default tenant (seen with the principal `arn:aws:iam:::root`). */
export const anonymous: Identity = {
  id: 'anonymous',
  uid: 'anonymous',
  tenant: '',
  displayName: 'anonymous',
  anonymous: true,
}

/** An owner or initiator as answers name it. */
export interface ShownOwner {
  readonly ID: string
  readonly DisplayName?: string | undefined
}

/** An owner or initiator to be shown. */
interface Owner {
  readonly id: string
  readonly displayName: string
  /** Of what: a bucket or object itself, an entry of a listing, of versions or of uploads. */
  readonly of: OwnedThing
  /** Who asks; undefined for the anonymous. */
  readonly askerId: string | undefined
}
export type OwnedThing = 'itself' | 'listed' | 'version' | 'upload'

/** How a kind of server calls those who talk to it (personality/). */
export interface Accounts {
  /** Sandboxes with the same kind can open each other's folders. */
  readonly kind: 'rgw' | 'aws' | 'access-key' | 'swift'
  identify(project: SandboxProject): Identity
  /** As `sealift project add` takes it: `rgw:…`, `arn:…`. */
  bookIdentity(project: SandboxProject): string
  /** Whether a principal of a policy means somebody. */
  isPrincipal(name: string, identity: Identity): boolean
  /** Whether an ACL may name an id that no project has. */
  readonly unknownGrantees: 'refused' | 'accepted'
  /** How an owner is shown; undefined where it is not. */
  shownOwner(owner: Owner): ShownOwner | undefined
}

/** The projects of one sandbox, by access key and by canonical id. */
export class Projects {
  readonly accounts: Accounts
  readonly #byAccessKey = new Map<string, { identity: Identity; secretAccessKey: string }>()
  readonly #byId = new Map<string, Identity>()

  /** Throws USAGE when two projects share an access key or a canonical id. */
  constructor(projects: readonly SandboxProject[], accounts: Accounts) {
    this.accounts = accounts
    for (const project of projects) {
      const identity = accounts.identify(project)
      if (this.#byAccessKey.has(project.accessKeyId) || this.#byId.has(identity.id)) {
        throw new AppError('USAGE', `two sandbox projects share an access key or the id ${identity.id}`)
      }
      this.#byAccessKey.set(project.accessKeyId, { identity, secretAccessKey: project.secretAccessKey })
      this.#byId.set(identity.id, identity)
    }
  }

  /** The project of an access key with its secret; undefined for an unknown key. */
  byAccessKey(accessKeyId: string): { identity: Identity; secretAccessKey: string } | undefined {
    return this.#byAccessKey.get(accessKeyId)
  }

  /** The project of a canonical id. */
  byId(id: string): Identity | undefined {
    return this.#byId.get(id)
  }

  /** Whether a principal of a policy means one of the projects. */
  hasPrincipal(name: string): boolean {
    return [...this.#byId.values()].some((identity) => this.accounts.isPrincipal(name, identity))
  }

  /** How an owner is shown; its display name is the id itself when the project is gone. */
  shownOwner(id: string, of: OwnedThing, asker?: Identity): ShownOwner | undefined {
    const displayName = this.#byId.get(id)?.displayName ?? id
    const askerId = asker === undefined || asker.anonymous ? undefined : asker.id
    return this.accounts.shownOwner({ id, displayName, of, askerId })
  }
}
