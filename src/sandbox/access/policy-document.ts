import { S3Error } from '../s3-error.ts'
import { isKnownAction } from './actions.ts'
import { type Condition, isKnownOperator } from './conditions.ts'

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

/** Longest policy in bytes (S3 API: 20 KB). */
const maxPolicyBytes = 20_480
const versions = ['2012-10-17', '2008-10-17', undefined]
const documentKeys = ['Version', 'Id', 'Statement']
const statementKeys = ['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'Resource', 'Condition']

/**
 * Reads the policy of a bucket in `tenant`. As Ceph RGW 16: an unknown principal is accepted and matches nobody,
 * a statement without Effect denies, one without Principal or Resource matches nothing.
 * Throws InvalidArgument for what RGW refuses, and NotImplemented for NotAction, NotResource and operators the
 * sandbox can't judge.
 */
export function parsePolicy(text: string, tenant: string): Policy {
  if (Buffer.byteLength(text) > maxPolicyBytes) throw invalid('the policy is longer than 20 KB')
  const document = asObject(parseJson(text))
  if (!Object.keys(document).every((key) => documentKeys.includes(key))) throw invalid('unknown element')
  if (!versions.some((version) => version === document['Version'])) throw invalid('unknown Version')
  const listed = document['Statement'] ?? []
  const statements: unknown[] = Array.isArray(listed) ? listed : [listed]
  return { statements: statements.map((statement) => parseStatement(asObject(statement), tenant)) }
}

function parseStatement(statement: JsonObject, tenant: string): Statement {
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
    principals: parsePrincipals(statement),
    actions,
    resources: strings(statement['Resource']).map((arn) => parseResource(arn, tenant)),
    conditions: parseConditions(statement['Condition']),
  }
}

function parsePrincipals(statement: JsonObject): PrincipalSet {
  if ('Principal' in statement && 'NotPrincipal' in statement) throw invalid('Principal and NotPrincipal')
  const except = 'NotPrincipal' in statement
  const listed = statement[except ? 'NotPrincipal' : 'Principal']
  if (listed === undefined) return { except: false, names: [] }
  if (listed === '*') return { except, names: ['*'] }
  const kinds = asObject(listed)
  for (const kind of Object.keys(kinds)) {
    if (!['AWS', 'CanonicalUser', 'Federated', 'Service'].includes(kind))
      throw invalid(`unknown principal ${kind}`)
  }
  // The other kinds are accepted and match nobody (seen on RGW 16.2, CanonicalUser included).
  return { except, names: strings(kinds['AWS']) }
}

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
