import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Action, enforcedActions } from '../../../src/sandbox/access/actions.ts'
import { type ConditionRules, holds } from '../../../src/sandbox/access/conditions.ts'
import {
  evaluatePolicy,
  type PolicyQuestion,
  type PolicyReading,
} from '../../../src/sandbox/access/evaluate-policy.ts'
import { parsePolicy } from '../../../src/sandbox/access/policy-document.ts'
import { matchesWildcard } from '../../../src/sandbox/access/wildcard.ts'
import { rgwRules } from '../../../src/sandbox/personality/rgw.ts'
import type { Identity } from '../../../src/sandbox/projects.ts'

const { policies: dialect, accounts } = rgwRules
const reading: PolicyReading = {
  isPrincipal: (name, identity) => accounts.isPrincipal(name, identity),
  conditions: 'rgw',
}

const tenants = fc.constantFrom('', 't1', 't2')
const identity = fc
  .record({ uid: fc.constantFrom('u1', 'u2', 'root'), tenant: tenants })
  .map(({ uid, tenant }): Identity => ({
    id: `${tenant}$${uid}`,
    uid,
    tenant,
    displayName: uid,
    anonymous: false,
  }))
const question: fc.Arbitrary<PolicyQuestion> = fc.record({
  identity,
  action: fc.constantFrom<Action>(...enforcedActions),
  resource: fc.constantFrom('box', 'box/a', 'box/dir/b', 'other'),
  context: fc.constantFrom(
    new Map<string, string>(),
    new Map([
      ['s3:prefix', 'dir/'],
      ['aws:SourceIp', '127.0.0.1'],
    ]),
  ),
})
const condition = fc.constantFrom(
  {},
  { StringEquals: { 's3:prefix': 'dir/' } },
  { StringLike: { 's3:prefix': ['x*', 'd*'] } },
  { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
  { DateLessThan: { 'aws:NoSuchKey': '2999-01-01' } },
)
const statement = fc.record({
  Effect: fc.constantFrom('Allow', 'Deny'),
  Principal: fc.constantFrom<unknown>(
    '*',
    { AWS: '*' },
    { AWS: 'arn:aws:iam:::user/u1' },
    { AWS: ['arn:aws:iam::t1:user/u1', 'arn:aws:iam::t2:root'] },
    { CanonicalUser: 'u1' },
    { AWS: 't1' },
  ),
  Action: fc.constantFrom<unknown>('s3:*', 's3:Get*', ['s3:ListBucket', 's3:PutObject'], '*', 's3:getobject'),
  Resource: fc.constantFrom<unknown>(
    '*',
    'arn:aws:s3:::box',
    ['arn:aws:s3:::box/*'],
    'arn:aws:s3:::box/dir/?',
  ),
  Condition: condition,
})
const statements = fc.array(statement, { maxLength: 5 })

const verdict = (list: object[], asked: PolicyQuestion): string =>
  evaluatePolicy(
    parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: list }), '', dialect),
    asked,
    reading,
  )

describe('a policy', () => {
  it('does not depend on the order of its statements', () => {
    fc.assert(
      fc.property(statements, question, (list, asked) => {
        expect(verdict([...list].reverse(), asked)).toBe(verdict(list, asked))
      }),
    )
  })

  it('refuses when any single statement denies, whatever else it says', () => {
    fc.assert(
      fc.property(statements, question, (list, asked) => {
        const alone = list.map((each) => verdict([each], asked))
        const expected = alone.includes('deny') ? 'deny' : alone.includes('allow') ? 'allow' : 'silent'
        expect(verdict(list, asked)).toBe(expected)
      }),
    )
  })

  it('allows nothing without an Allow', () => {
    fc.assert(
      fc.property(statements, question, (list, asked) => {
        const denials = list.filter(({ Effect }) => Effect === 'Deny')
        expect(verdict(denials, asked)).not.toBe('allow')
      }),
    )
  })

  it('only widens when an Allow is added, and only narrows when a Deny is', () => {
    const rank = { deny: 0, silent: 1, allow: 2 } as Record<string, number>
    fc.assert(
      fc.property(statements, statement, question, (list, more, asked) => {
        const [before, after] = [rank[verdict(list, asked)]!, rank[verdict([...list, more], asked)]!]
        if (more.Effect === 'Allow') expect(after).toBeGreaterThanOrEqual(before)
        else expect(after).toBeLessThanOrEqual(before)
      }),
    )
  })

  it('with a condition applies to no request it would not apply to without', () => {
    fc.assert(
      fc.property(statement, question, (each, asked) => {
        if (verdict([each], asked) !== 'silent') {
          expect(verdict([{ ...each, Condition: {} }], asked)).toBe(verdict([each], asked))
        }
      }),
    )
  })

  it('for one user says nothing to another, nor to one of the same name in another tenant', () => {
    const asked = (uid: string, tenant: string): PolicyQuestion => ({
      identity: { id: '', uid, tenant, displayName: uid, anonymous: false },
      action: 's3:GetObject',
      resource: 'box/a',
      context: new Map(),
    })
    const only = {
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::t1:user/u1' },
      Action: 's3:*',
      Resource: '*',
    }
    expect(verdict([only], asked('u1', 't1'))).toBe('allow')
    for (const [uid, tenant] of [
      ['u1', ''],
      ['u1', 't2'],
      ['u2', 't1'],
      ['u1/x', 't1'],
    ] as const) {
      expect(verdict([only], asked(uid, tenant))).toBe('silent')
    }
  })

  it.each([
    ['NotAction', { NotAction: 's3:GetObject' }],
    ['NotResource', { NotResource: '*' }],
    ['an operator it can not judge', { Condition: { ArnLike: { 'aws:SourceArn': 'x' } } }],
  ])('with %s is refused when it is put, not misread later', (_what, part) => {
    const list = [{ Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: '*', ...part }]
    expect(() => parsePolicy(JSON.stringify({ Statement: list }), '', dialect)).toThrow(/does not judge/)
  })

  it.each(['arn:aws:s3::t2:box', 'arn:aws:s3:::t2:box', 'box', 'arn:aws:iam:::user/u1'])(
    'can not be about the resource %s',
    (Resource) => {
      const list = [{ Effect: 'Allow', Principal: '*', Action: 's3:*', Resource }]
      expect(() => parsePolicy(JSON.stringify({ Statement: list }), 't1', dialect)).toThrow(/invalid policy/)
    },
  )
})

describe('a wildcard', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.', '/'), maxLength: 8 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/'), maxLength: 8 })

  it('matches what the regular expression of the same meaning matches', () => {
    fc.assert(
      fc.property(pattern, text, (wild, plain) => {
        const escaped = wild.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
        expect(matchesWildcard(wild, plain)).toBe(new RegExp(`^${escaped}$`, 's').test(plain))
      }),
      { numRuns: 2000 },
    )
  })

  it('can not be made slow', () => {
    expect(matchesWildcard('*a'.repeat(500), 'a'.repeat(1023) + 'b')).toBe(false)
  })
})

describe('a condition', () => {
  const met = (operator: string, actual: string | undefined, ...values: string[]): boolean =>
    metBy('rgw', operator, actual, ...values)
  const metBy = (
    rules: ConditionRules,
    operator: string,
    actual: string | undefined,
    ...values: string[]
  ): boolean =>
    holds({ operator, key: 'k', values }, new Map(actual === undefined ? [] : [['k', actual]]), rules)

  it('without its key in the request is met by IfExists only', () => {
    for (const operator of ['StringEquals', 'StringNotEquals', 'DateLessThan', 'NotIpAddress', 'Bool']) {
      expect(met(operator, undefined, 'x')).toBe(false)
      expect(met(`${operator}IfExists`, undefined, 'x')).toBe(true)
    }
  })

  it('that says no holds for IAM when the key is absent, and when no value fits', () => {
    for (const operator of ['StringNotEquals', 'StringNotLike', 'DateNotEquals', 'NotIpAddress']) {
      expect(metBy('iam', operator, undefined, 'x')).toBe(true)
    }
    expect(metBy('iam', 'StringEquals', undefined, 'x')).toBe(false)
    expect(metBy('iam', 'StringNotEquals', 'a', 'a', 'b')).toBe(false)
    expect(metBy('rgw', 'StringNotEquals', 'a', 'a', 'b')).toBe(true)
    expect(metBy('iam', 'StringNotEquals', 'c', 'a', 'b')).toBe(true)
    expect(metBy('iam', 'NotIpAddress', '10.0.0.1', '10.0.0.0/8', '11.0.0.0/8')).toBe(false)
  })

  it('on addresses knows networks, single addresses and both families', () => {
    expect(met('IpAddress', '192.168.7.9', '192.168.0.0/16')).toBe(true)
    expect(met('IpAddress', '192.169.7.9', '192.168.0.0/16')).toBe(false)
    expect(met('IpAddress', '10.0.0.1', '10.0.0.1')).toBe(true)
    expect(met('IpAddress', '2001:db8::7', '2001:db8::/32')).toBe(true)
    expect(met('IpAddress', '10.0.0.1', '::/0')).toBe(false)
    for (const broken of ['home', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '']) {
      expect(met('IpAddress', '10.0.0.1', broken), broken).toBe(false)
    }
  })

  it('on dates compares moments, and is not met by what is no date', () => {
    fc.assert(
      fc.property(
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
        (left, right) => {
          const [now, limit] = [left.toISOString(), right.toISOString()]
          expect(met('DateLessThan', now, limit)).toBe(left < right)
          expect(met('DateGreaterThanEquals', now, limit)).toBe(left >= right)
        },
      ),
    )
    expect(met('DateLessThan', '2026-01-01T00:00:00Z', 'soon')).toBe(false)
    expect(met('DateGreaterThan', '2026-01-01T00:00:00Z', 'soon')).toBe(false)
  })
})
