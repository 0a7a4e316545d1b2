import type { Identity } from '../projects.ts'
import { type Action, matchesAction } from './actions.ts'
import { type ConditionContext, type ConditionRules, holds } from './conditions.ts'
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

/** How a server reads its policies. */
export interface PolicyReading {
  readonly isPrincipal: (name: string, identity: Identity) => boolean
  readonly conditions: ConditionRules
}

/** Evaluates a bucket policy: a Deny beats every Allow, whoever asks (IAM, "Policy evaluation logic"). Pure. */
export function evaluatePolicy(policy: Policy, question: PolicyQuestion, reading: PolicyReading): Verdict {
  let verdict: Verdict = 'silent'
  for (const statement of policy.statements) {
    if (!applies(statement, question, reading)) continue
    if (statement.effect === 'Deny') return 'deny'
    verdict = 'allow'
  }
  return verdict
}

function applies(statement: Statement, question: PolicyQuestion, reading: PolicyReading): boolean {
  return (
    isMeant(statement.principals, question.identity, reading) &&
    statement.actions.some((pattern) => matchesAction(pattern, question.action)) &&
    statement.resources.some((pattern) => matchesWildcard(pattern, question.resource)) &&
    statement.conditions.every((condition) => holds(condition, question.context, reading.conditions))
  )
}

function isMeant(principals: PrincipalSet, identity: Identity, { isPrincipal }: PolicyReading): boolean {
  return principals.names.some((name) => isPrincipal(name, identity)) !== principals.except
}
