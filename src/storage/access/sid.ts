import { createHash } from 'node:crypto'
import type { Principal } from './principal.ts'

/**
 * How our statements are named, so that a later run finds its own among others':
 * `SealiftOwner`, `SealiftBlocked<who>`, and `Sealift<Role><Part><who>`, where `<who>` is a hash of the principal.
 * Letters and digits only, as AWS demands of a Sid.
 */
export const OWNER_SID = 'SealiftOwner'

/** The Sid of one statement of a grant: `DepositorData`, `Blocked`, … and whom it is about. */
export function sidFor(what: string, principal: Principal): string {
  return `Sealift${what}${principalHash(principal)}`
}

/** Takes a Sid of ours apart; undefined for anybody else's. */
export function parseSid(sid: string | undefined): { what: string; who: string } | undefined {
  const match = /^Sealift(Blocked|(?:Depositor|Reader|Collaborator)[A-Z][a-zA-Z]*?)([0-9a-f]{16})$/.exec(
    sid ?? '',
  )
  return match === null ? undefined : { what: match[1] ?? '', who: match[2] ?? '' }
}

/** 64 bits of a SHA-256: enough to keep apart the few principals of one policy. Not a secret. */
export function principalHash({ kind, value }: Principal): string {
  return createHash('sha256').update(`${kind}=${value}`).digest('hex').slice(0, 16)
}
