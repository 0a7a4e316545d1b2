import type { Accounts } from '../projects.ts'

/** Servers whose accounts are their access key ids: in policies, ACLs and listings. */
export const accessKeyAccounts: Pick<Accounts, 'kind' | 'identify' | 'bookIdentity' | 'isPrincipal'> = {
  kind: 'access-key',
  identify: (project) => ({
    id: project.accessKeyId,
    uid: project.uid,
    tenant: '',
    displayName: project.displayName ?? project.uid,
    anonymous: false,
  }),
  bookIdentity: ({ accessKeyId }) => `access-key:${accessKeyId}`,
  isPrincipal: (name, identity) => name === '*' || (!identity.anonymous && name === identity.id),
}
