import fc from 'fast-check'
import type { PolicyStatement } from '../../../src/storage/access/access-store.ts'
import type { Grantee } from '../../../src/storage/access/grantee.ts'
import { ROLES, type GrantTerms } from '../../../src/storage/access/roles.ts'

const word = fc.stringMatching(/^[a-z][a-z0-9_]{2,12}$/)
const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))

/** Identities that a policy can name. */
export const grantees: fc.Arbitrary<Grantee> = fc.oneof(
  fc.record({ type: fc.constant('rgw' as const), tenant: fc.option(word, { nil: undefined }), uid: word }),
  fc.record({ type: fc.constant('keystone' as const), projectId: hex(32) }),
  fc
    .stringMatching(/^\d{12}$/)
    .map((account) => ({ type: 'arn', arn: `arn:aws:iam::${account}:root` }) as const),
  fc.record({ type: fc.constant('canonical' as const), id: hex(64) }),
)

export const terms: fc.Arbitrary<GrantTerms> = fc.record({
  role: fc.constantFrom(...ROLES),
  until: fc.option(
    fc.date({ min: new Date('2027-01-01'), max: new Date('2036-01-01'), noInvalidDate: true }),
    {
      nil: undefined,
    },
  ),
  prefix: fc.option(
    word.map((name) => `run_${name}/`),
    { nil: undefined },
  ),
  fromIp: fc.option(fc.constantFrom('192.0.2.7', '192.0.2.0/24', '2001:db8::/32'), { nil: undefined }),
})

/** Statements as other tools write them; `SD` in the Sid, so none looks like ours. */
export const foreignStatements: fc.Arbitrary<PolicyStatement[]> = fc.array(
  fc.record(
    {
      Sid: word.map((name) => `GrantSD${name}`),
      Effect: fc.constantFrom('Allow' as const, 'Deny' as const),
      Principal: fc.record({
        AWS: fc.oneof(
          word.map((uid) => `arn:aws:iam:::user/other_${uid}`),
          fc.array(
            word.map((uid) => `arn:aws:iam:::user/other_${uid}`),
            { minLength: 1, maxLength: 3 },
          ),
        ),
      }),
      Action: fc.oneof(fc.constant('s3:GetObject'), fc.constant(['s3:ListBucket', 's3:GetObject'])),
      Resource: fc.constant('arn:aws:s3:::inbox/*'),
    },
    { requiredKeys: ['Effect', 'Principal', 'Action', 'Resource'] },
  ),
  { maxLength: 5 },
)
