import type { BucketOperation } from '../request.ts'
import type { BucketOperationName } from '../routes.ts'
import type { Rules } from '../rules.ts'

/** A server the sandbox can be: its rules, and the operations it answers in a way of its own. */
export interface Personality {
  readonly rules: Rules
  readonly operations: Readonly<Partial<Record<BucketOperationName, BucketOperation>>>
}
