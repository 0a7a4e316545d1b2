import { expect, it } from 'vitest'
import { PERSONALITY_NAMES, type PersonalityName } from '../../src/sandbox/personality/names.ts'
import { openPractice } from '../../src/sandbox/practice.ts'

/** What `sealift project add` takes for the first project, by personality. */
const identities: Readonly<Record<PersonalityName, RegExp>> = {
  rgw: /^rgw:project_2000222$/,
  aws: /^arn:aws:iam::\d{12}:root$/,
  minio: /^access-key:SANDBOX[0-9A-F]{12}$/,
  versitygw: /^access-key:SANDBOX[0-9A-F]{12}$/,
  swift: /^canonical:project_2000222:project_2000222$/,
  'fall-through': /^rgw:/,
  deaf: /^rgw:/,
  garbled: /^rgw:/,
}

it.each(PERSONALITY_NAMES)(
  'practice as %s gives identities in the form of that server',
  async (personality) => {
    const practice = await openPractice({ personality })
    try {
      expect(practice.identities.map(({ name }) => name)).toEqual([
        'project_2000222',
        'project_2000111',
        'project_2000333',
      ])
      expect(practice.identities[0]!.identity).toMatch(identities[personality])
      expect(new Set(practice.identities.map(({ identity }) => identity)).size).toBe(3)
      expect(practice.profiles).toContain('[producer]')
    } finally {
      await practice.close()
    }
  },
)
