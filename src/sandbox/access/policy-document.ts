import { S3Error } from '../s3-error.ts'
import { isKnownAction } from './actions.ts'
import { type Condition, type ConditionRules, isKnownOperator } from './conditions.ts'

/** A bucket policy, checked and with every list spelled out (IAM policy language). */
export interface Policy {
  readonly statements: readonly Statement[]
}

export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  readonly principals: PrincipalSet
  /** Patterns of actions. */
  readonly actions: readonly string[]
  /** Patterns of `bucket` or `bucket/object key`; the ARN around them is gone. */
  readonly resources: readonly string[]
  readonly conditions: readonly Condition[]
}

/** Whom a statement is for, or with `except` for everybody else. */
export interface PrincipalSet {
  readonly except: boolean
  readonly names: readonly string[]
}

/** How a server reads what is put as a policy. */
export interface PolicyDialect {
  /** The code of its refusals. */
  readonly malformed: 'InvalidArgument' | 'MalformedPolicy'
  readonly versions: readonly (string | undefined)[]
  /** Kinds of principal that can mean somebody; the others match nobody. */
  readonly namingKinds: readonly string[]
  /** A principal may be a name, or a list of them, by itself. */
  readonly bareNames: boolean
  /** Whether a principal of any other kind is refused. */
  readonly otherKinds: 'refused' | 'accepted'
  /** Whether a statement without a principal is refused; else it is for nobody. */
  readonly missingPrincipal: 'refused' | 'accepted'
  /** Where it is ignored, a statement with NotPrincipal is one without a principal. */
  readonly notPrincipal: 'judged' | 'ignored'
  readonly conditions: ConditionRules
  /** Whether a principal that nobody has is refused. */
  readonly unknownPrincipals: 'refused' | 'accepted'
  /** Whether statements have to be about this bucket, and each action about a resource of its kind. */
  readonly resources: 'checked' | 'accepted'
}

/** Longest policy in bytes (S3 API: 20 KB). */
const maxPolicyBytes = 20_480
const documentKeys = ['Version', 'Id', 'Statement']
const statementKeys = ['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'Resource', 'Condition']

/**
 * Reads the policy of a bucket in `tenant`. As on Ceph RGW 16 a statement without Effect denies, one without
 * Principal or Resource matches nothing. Throws the dialect's refusal for what no policy is, and NotImplemented for
 * NotAction, NotResource and operators the sandbox can't judge.
 */
export function parsePolicy(text: string, tenant: string, dialect: PolicyDialect): Policy {
  try {
    return parse(text, tenant, dialect)
  } catch (error) {
    if (error instanceof S3Error && error.code === 'InvalidArgument')
      throw new S3Error(dialect.malformed, error.message)
    throw error
  }
}

function parse(text: string, tenant: string, dialect: PolicyDialect): Policy {
  if (Buffer.byteLength(text) > maxPolicyBytes) throw invalid('the policy is longer than 20 KB')
  const document = asObject(parseJson(text))
  if (!Object.keys(document).every((key) => documentKeys.includes(key))) throw invalid('unknown element')
  if (!dialect.versions.some((version) => version === document['Version'])) throw invalid('unknown Version')
  const listed = document['Statement'] ?? []
  const statements: unknown[] = Array.isArray(listed) ? listed : [listed]
  return { statements: statements.map((statement) => parseStatement(asObject(statement), tenant, dialect)) }
}

function parseStatement(statement: JsonObject, tenant: string, dialect: PolicyDialect): Statement {
  for (const key of Object.keys(statement)) {
    if (key === 'NotAction' || key === 'NotResource') {
      throw new S3Error('NotImplemented', `the sandbox does not judge ${key}`)
    }
    if (!statementKeys.includes(key)) throw invalid(`unknown element ${key}`)
  }
  const effect = statement['Effect'] ?? 'Deny'
  if (effect !== 'Allow' && effect !== 'Deny') throw invalid('Effect is Allow or Deny')
  const actions = strings(statement['Action'])
  const unknown = actions.find((action) => !isKnownAction(action))
  if (unknown !== undefined) throw invalid(`unknown action ${unknown}`)
  return {
    effect,
    principals: parsePrincipals(statement, dialect),
    actions,
    resources: strings(statement['Resource']).map((arn) => parseResource(arn, tenant)),
    conditions: dialect.conditions === 'ignored' ? [] : parseConditions(statement['Condition']),
  }
}

function parsePrincipals(statement: JsonObject, dialect: PolicyDialect): PrincipalSet {
  if ('Principal' in statement && 'NotPrincipal' in statement) throw invalid('Principal and NotPrincipal')
  const except = 'NotPrincipal' in statement && dialect.notPrincipal === 'judged'
  const listed = statement[except ? 'NotPrincipal' : 'Principal']
  if (listed === undefined) {
    if (dialect.missingPrincipal === 'refused') throw invalid('a statement has no Principal')
    return nobody
  }
  if (listed === '*') return { except, names: ['*'] }
  if (dialect.bareNames && (typeof listed === 'string' || Array.isArray(listed)))
    return { except, names: strings(listed) }
  return { except, names: namesOf(asObject(listed), dialect) }
}

function namesOf(kinds: JsonObject, { namingKinds, otherKinds }: PolicyDialect): string[] {
  for (const kind of Object.keys(kinds)) {
    const accepted = otherKinds === 'refused' ? namingKinds : principalKinds
    if (!accepted.includes(kind)) throw invalid(`principal of the kind ${kind}`)
  }
  return namingKinds.flatMap((kind) => strings(kinds[kind]))
}

const principalKinds = ['AWS', 'CanonicalUser', 'Federated', 'Service']
const nobody: PrincipalSet = { except: false, names: [] }

function parseResource(arn: string, tenant: string): string {
  if (arn === '*') return '*'
  const [prefix, partition = '', service, , account, ...rest] = arn.split(':')
  const resource = rest.join(':')
  const bucket = resource.split('/')[0] ?? ''
  if (prefix !== 'arn' || !['aws', '*'].includes(partition) || service !== 's3' || resource === '') {
    throw invalid(`${arn} is no ARN of a bucket or object`)
  }
  if (![tenant, '', '*'].includes(account ?? '') || bucket.includes(':')) {
    throw invalid(`${arn} belongs to another tenant`)
  }
  return resource
}

function parseConditions(listed: unknown): Condition[] {
  if (listed === undefined) return []
  return Object.entries(asObject(listed)).flatMap(([operator, keys]) => {
    if (!isKnownOperator(operator)) {
      throw new S3Error('NotImplemented', `the sandbox does not judge the condition operator ${operator}`)
    }
    return Object.entries(asObject(keys)).map(([key, values]) => ({ operator, key, values: strings(values) }))
  })
}

type JsonObject = Readonly<Record<string, unknown>>

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('the policy is not JSON')
  }
}

function asObject(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('an object is expected')
  return value as JsonObject
}

function strings(value: unknown): string[] {
  if (value === undefined) return []
  const listed: unknown[] = Array.isArray(value) ? value : [value]
  return listed.map((entry) => {
    if (typeof entry === 'boolean' || typeof entry === 'number') return String(entry)
    if (typeof entry !== 'string') throw invalid('a string is expected')
    return entry
  })
}

function invalid(message: string): S3Error {
  return new S3Error('InvalidArgument', `invalid policy: ${message}`)
}
