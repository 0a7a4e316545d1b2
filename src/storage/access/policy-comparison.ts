import type { OneOrMany, PolicyDocument, PolicyStatement } from './access-store.ts'

/** The values of a policy element that may be written alone or as a list. */
export function valuesOf(values: OneOrMany<string> | undefined): readonly string[] {
  if (values === undefined) return []
  return typeof values === 'string' ? [values] : values
}

/**
 * What sets `actual` apart from `wanted`, one sentence each; empty when they mean the same. Servers rewrite policies:
 * the order of statements, one value for a list of one, the case of actions, and (AWS) an ARN for a canonical id.
 */
export function policyDifferences(wanted: PolicyDocument, actual: PolicyDocument | undefined): string[] {
  const left = [...(actual?.Statement ?? [])]
  const differences: string[] = []
  for (const statement of wanted.Statement) {
    const at = left.findIndex((candidate) => sameStatement(statement, candidate))
    if (at >= 0) left.splice(at, 1)
    else differences.push(`statement ${nameOf(statement)} is missing or changed`)
  }
  return [...differences, ...left.map((statement) => `statement ${nameOf(statement)} was not expected`)]
}

/** True when two policies, or none and an empty one, mean the same. */
export function samePolicy(a: PolicyDocument | undefined, b: PolicyDocument | undefined): boolean {
  return policyDifferences(a ?? { Statement: [] }, b).length === 0
}

/** True when two statements mean the same and carry the same Sid. */
export function sameStatement(wanted: PolicyStatement, actual: PolicyStatement): boolean {
  if (canonical(wanted) === canonical(actual)) return true
  const rewritten = withPrincipalOf(wanted, actual)
  return rewritten !== undefined && canonical(rewritten) === canonical(actual)
}

/** How people find a statement: its Sid, or what it begins with. */
export function nameOf(statement: PolicyStatement): string {
  if (statement.Sid !== undefined && statement.Sid !== '') return statement.Sid
  return `without Sid (${statement.Effect} ${valuesOf(statement.Action).join(', ')})`
}

/** AWS shows the ARN of the account for a `CanonicalUser`; a statement with our Sid that differs in nothing else counts. */
function withPrincipalOf(wanted: PolicyStatement, actual: PolicyStatement): PolicyStatement | undefined {
  if (
    wanted.Sid === undefined ||
    typeof wanted.Principal !== 'object' ||
    typeof actual.Principal !== 'object'
  ) {
    return undefined
  }
  const [kind, ...otherKinds] = Object.keys(wanted.Principal)
  const [actualKind, ...otherActual] = Object.keys(actual.Principal)
  const arns = valuesOf(actual.Principal['AWS'])
  const isRewritten =
    kind === 'CanonicalUser' &&
    actualKind === 'AWS' &&
    otherKinds.length + otherActual.length === 0 &&
    arns.length === 1 &&
    /^arn:aws[\w-]*:iam::\d{12}:root$/.test(arns[0] ?? '')
  return isRewritten ? { ...wanted, Principal: actual.Principal } : undefined
}

function canonical(statement: PolicyStatement): string {
  return JSON.stringify([
    statement.Sid ?? '',
    statement.Effect,
    canonicalPrincipal(statement.Principal),
    canonicalPrincipal(statement.NotPrincipal),
    canonicalSet(statement.Action, (action) => action.toLowerCase()),
    canonicalSet(statement.NotAction, (action) => action.toLowerCase()),
    canonicalSet(statement.Resource),
    canonicalSet(statement.NotResource),
    canonicalConditions(statement.Condition),
  ])
}

type PrincipalElement = PolicyStatement['Principal']

function canonicalPrincipal(principal: PrincipalElement): unknown {
  if (principal === undefined) return null
  // `"*"` and `{"AWS": "*"}` are the same to every server.
  if (principal === '*') return [['AWS', ['*']]]
  return Object.entries(principal)
    .map(([kind, values]) => [kind, canonicalSet(values, spelledOut)] as const)
    .sort(byFirst)
}

function spelledOut(value: string): string {
  return /^\d{12}$/.test(value) ? `arn:aws:iam::${value}:root` : value
}

function canonicalConditions(conditions: PolicyStatement['Condition']): unknown {
  return Object.entries(conditions ?? {})
    .map(([operator, keys]) => {
      const tests = Object.entries(keys).map(
        ([name, values]) => [name.toLowerCase(), canonicalSet(values)] as const,
      )
      return [operator, tests.sort(byFirst)] as const
    })
    .sort(byFirst)
}

function canonicalSet(
  values: OneOrMany<string> | undefined,
  normalise: (value: string) => string = (value) => value,
): readonly string[] | null {
  if (values === undefined) return null
  return [...new Set(valuesOf(values).map(normalise))].sort()
}

function byFirst(a: readonly [string, ...unknown[]], b: readonly [string, ...unknown[]]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}
