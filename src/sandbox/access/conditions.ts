import { BlockList, isIP } from 'node:net'
import { matchesWildcard } from './wildcard.ts'

/** One test of a statement: an operator, what it looks at, and the values it compares with. */
export interface Condition {
  readonly operator: string
  readonly key: string
  readonly values: readonly string[]
}

/** What is known of a request, by condition key (`aws:SourceIp`, `s3:prefix`, …). Keys are compared as written. */
export type ConditionContext = ReadonlyMap<string, string>

/**
 * What a server makes of conditions. `iam`: a negated operator holds when the key is absent, and only when no value
 * fits (IAM, "Condition operators"). `rgw`: neither. `ignored`: they are stored and nobody looks at them.
 */
export type ConditionRules = 'iam' | 'rgw' | 'ignored'

type Test = (actual: string, wanted: string) => boolean

/** Operators that hold when one of the values fits. */
const anyOf: Readonly<Record<string, Test>> = {
  StringEquals: (actual, wanted) => actual === wanted,
  StringEqualsIgnoreCase: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  StringLike: (actual, wanted) => matchesWildcard(wanted, actual),
  // With several values RGW 16.2 lets these hold when one value differs; IAM's rule is that all must (negated).
  StringNotEquals: (actual, wanted) => actual !== wanted,
  StringNotEqualsIgnoreCase: (actual, wanted) => actual.toLowerCase() !== wanted.toLowerCase(),
  StringNotLike: (actual, wanted) => !matchesWildcard(wanted, actual),
  DateEquals: dates((actual, wanted) => actual === wanted),
  DateNotEquals: dates((actual, wanted) => actual !== wanted),
  DateLessThan: dates((actual, wanted) => actual < wanted),
  DateLessThanEquals: dates((actual, wanted) => actual <= wanted),
  DateGreaterThan: dates((actual, wanted) => actual > wanted),
  DateGreaterThanEquals: dates((actual, wanted) => actual >= wanted),
  Bool: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  IpAddress: isInNetwork,
}

/** Operators that hold when none of the values fits. */
const noneOf: Readonly<Record<string, Test>> = { NotIpAddress: isInNetwork }

const ifExists = 'IfExists'

/** Operators that say no: IAM lets them hold for an absent key, and when none of several values fits. */
const negated = [
  'StringNotEquals',
  'StringNotEqualsIgnoreCase',
  'StringNotLike',
  'DateNotEquals',
  'NotIpAddress',
]

/** True for an operator {@link holds} can judge, with or without `IfExists`. */
export function isKnownOperator(operator: string): boolean {
  const { name } = splitOperator(operator)
  return Object.hasOwn(anyOf, name) || Object.hasOwn(noneOf, name)
}

/**
 * Whether a condition is met. A key the request does not have meets no condition but an `IfExists` one:
 * so on Ceph RGW 16.2 an Allow with an unknown key never applies, and neither does a Deny.
 */
export function holds(condition: Condition, context: ConditionContext, rules: ConditionRules): boolean {
  if (rules === 'ignored') return true
  const { name, optional } = splitOperator(condition.operator)
  const actual = context.get(condition.key)
  const negates = rules === 'iam' && negated.includes(name)
  if (actual === undefined) return optional || negates
  const some = anyOf[name]
  if (negates && some !== undefined) return condition.values.every((wanted) => some(actual, wanted))
  if (some !== undefined) return condition.values.some((wanted) => some(actual, wanted))
  const none = noneOf[name]
  if (none !== undefined) return !condition.values.some((wanted) => none(actual, wanted))
  return false
}

function splitOperator(operator: string): { name: string; optional: boolean } {
  const optional = operator.endsWith(ifExists)
  return { name: optional ? operator.slice(0, -ifExists.length) : operator, optional }
}

/** Dates are ISO 8601 with or without a time; what is no date compares as false. */
function dates(compare: (actual: number, wanted: number) => boolean): Test {
  return (actual, wanted) => {
    const [left, right] = [Date.parse(actual), /^\d{4}-/.test(wanted) ? Date.parse(wanted) : Number.NaN]
    return !Number.isNaN(left) && !Number.isNaN(right) && compare(left, right)
  }
}

/** True for an address in a CIDR network, or equal to a single address. */
function isInNetwork(actual: string, wanted: string): boolean {
  const [network = '', prefix] = wanted.split('/')
  const family = isIP(network)
  if (family === 0 || isIP(actual) !== family) return false
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  const bits =
    prefix === undefined ? (family === 4 ? 32 : 128) : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1
  if (bits < 0 || bits > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(network, bits, kind)
  return list.check(actual, kind)
}
