import type { Provider } from '../provider/provider.ts'

/** What a role's statements differ by, from server to server. */
export interface StatementForm {
  /** `s3:prefix` limits what a listing shows. Where it doesn't, a listing that should be limited is not given at all. */
  limitsListings: boolean
  /** `s3:PutObjectVersionAcl` is an action: versitygw refuses a policy with one that it doesn't know. */
  namesVersionAcl: boolean
  /** An uploader owns what it uploaded, so that at the end of its grant an explicit Deny has to end its reading. */
  endsOwnership: boolean
}

/** The form for a server. A condition that may be ignored counts as ignored. */
export function statementForm({ dialect, capabilities }: Provider): StatementForm {
  return {
    limitsListings: capabilities.prefixCondition === 'enforced',
    namesVersionAcl: dialect !== 'account-name',
    endsOwnership: capabilities.uploaderOwns && capabilities.policyConditions === 'enforced',
  }
}

/** The form on Ceph RGW, where everything is said. */
export const FULL_FORM: StatementForm = { limitsListings: true, namesVersionAcl: true, endsOwnership: true }

/** Every form in which a grant may stand in a policy, earlier versions' included: they did not end ownership. */
export const ALL_FORMS: readonly StatementForm[] = [true, false].flatMap((limitsListings) =>
  [true, false].flatMap((namesVersionAcl) =>
    [true, false].map((endsOwnership) => ({ limitsListings, namesVersionAcl, endsOwnership })),
  ),
)
