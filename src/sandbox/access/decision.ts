import type { Action } from './actions.ts'
import type { Verdict } from './evaluate-policy.ts'

/** What a server weighs when somebody asks for something. */
export interface Decision {
  readonly action: Action
  readonly anonymous: boolean
  /** Whether the bucket belongs to who asks. */
  readonly ownsBucket: boolean
  readonly hasPolicy: boolean
  /** What the bucket's policy says; `silent` without one. */
  readonly verdict: Verdict
  /** What ownership and ACLs say, where a server goes by them. */
  readonly byAcl: () => boolean
}
