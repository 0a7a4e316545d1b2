/** The servers the sandbox can imitate, and three that no client should trust. */
export const PERSONALITY_NAMES = [
  'rgw',
  'aws',
  'minio',
  'versitygw',
  'swift',
  'fall-through',
  'deaf',
  'garbled',
] as const

export type PersonalityName = (typeof PERSONALITY_NAMES)[number]
