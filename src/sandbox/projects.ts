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

/** The projects of one sandbox, by access key and by canonical id. */
export class Projects {
  readonly #byAccessKey = new Map<string, { identity: Identity; secretAccessKey: string }>()
  readonly #byId = new Map<string, Identity>()

  /** Throws USAGE when two projects share an access key or a canonical id. */
  constructor(projects: readonly SandboxProject[]) {
    for (const project of projects) {
      const identity = identityOf(project)
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

  /** The name shown beside a canonical id; the id itself when the project is gone. */
  displayName(id: string): string {
    return this.#byId.get(id)?.displayName ?? id
  }
}

function identityOf(project: SandboxProject): Identity {
  const tenant = project.tenant ?? ''
  return {
    id: tenant === '' ? project.uid : `${tenant}$${project.uid}`,
    uid: project.uid,
    tenant,
    displayName: project.displayName ?? project.uid,
    anonymous: false,
  }
}
