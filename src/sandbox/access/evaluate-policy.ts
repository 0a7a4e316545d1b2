import type { Identity } from '../projects.ts'
import { type Action, matchesAction } from './actions.ts'
import { type ConditionContext, holds } from './conditions.ts'
import type { Policy, PrincipalSet, Statement } from './policy-document.ts'
import { matchesWildcard } from './wildcard.ts'

/** What a policy says to a request; `silent` when no statement applies. */
export type Verdict = 'allow' | 'deny' | 'silent'

export interface PolicyQuestion {
  readonly identity: Identity
  readonly action: Action
  /** `bucket`, or `bucket/object key`. */
  readonly resource: string
  readonly context: ConditionContext
}

/** Evaluates a bucket policy: a Deny beats every Allow, whoever asks (IAM, "Policy evaluation logic"). Pure. */
export function evaluatePolicy(policy: Policy, question: PolicyQuestion): Verdict {
  let verdict: Verdict = 'silent'
  for (const statement of policy.statements) {
    if (!applies(statement, question)) continue
    if (statement.effect === 'Deny') return 'deny'
    verdict = 'allow'
  }
  return verdict
}

function applies(statement: Statement, question: PolicyQuestion): boolean {
  return (
    isMeant(statement.principals, question.identity) &&
    statement.actions.some((pattern) => matchesAction(pattern, question.action)) &&
    statement.resources.some((pattern) => matchesWildcard(pattern, question.resource)) &&
    statement.conditions.every((condition) => holds(condition, question.context))
  )
}

function isMeant(principals: PrincipalSet, identity: Identity): boolean {
  return principals.names.some((name) => isPrincipal(name, identity)) !== principals.except
}

/**
 * The spellings RGW 16.2 was seen to honour: `*`, `arn:aws:iam::TENANT:user/UID`, `arn:aws:iam::TENANT:root`
 * and a bare `TENANT`. Everything else names nobody, without an error: `user/*` and `user/TENANT$UID` too.
 */
function isPrincipal(name: string, identity: Identity): boolean {
  if (name === '*') return true
  if (!/[:/]/.test(name)) return name !== '' && name === identity.tenant
  const arn = /^arn:aws:iam::([^:]*):(root|user\/(.+))$/.exec(name)
  if (arn?.[1] !== identity.tenant) return false
  // With an empty tenant this is everybody of the default tenant, the anonymous included.
  return arn[2] === 'root' || arn[3] === identity.uid
}
