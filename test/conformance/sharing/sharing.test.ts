/**
 * Sharing on every server there is: grants, refusals, expiry, revocation, foreign ownership, uploads under way, lock-out.
 * Where a server can't, the refusal is what is told.
 */
import { describe } from 'vitest'

import { sharingBackends } from '../../support/backends.ts'
import { aclStories } from './acl-stories.ts'
import { adoptStories } from './adopt-stories.ts'
import { grantStories } from './grant-stories.ts'
import { refusalStories } from './refusal-stories.ts'
import { revokeStories } from './revoke-stories.ts'
import { onServers } from './stage.ts'

onServers('sharing', sharingBackends(), (stage, provider) => {
  const { policy, bucketAcl, uploaderOwns } = provider.capabilities
  if (policy === 'enforced') {
    describe('a grant', () => {
      grantStories(stage, provider)
    })
    describe('its end', () => {
      revokeStories(stage, provider)
    })
    if (uploaderOwns) {
      describe('what belongs to others', () => {
        adoptStories(stage)
      })
    }
  } else if (bucketAcl === 'enforced') {
    describe('by ACL', () => {
      aclStories(stage)
    })
  } else {
    describe('is refused', () => {
      refusalStories(stage)
    })
  }
})
