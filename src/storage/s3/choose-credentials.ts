import { AppError } from '../../util/errors.ts'
import { endpointWithoutUser } from './connection.ts'
import { findOtherCredentials } from './credential-places.ts'
import { distinct, sameServer, type FoundCredentials } from './found-credentials.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Credentials that can be used. */
export type UsableCredentials = FoundCredentials &
  Required<Pick<FoundCredentials, 'keys' | 'profile' | 'file'>>

/**
 * The credentials of rclone or s3cmd that a name stands for: `rclone:s3allas`, `s3cfg:`, or a plain name where it is clear.
 * Throws NO_CREDENTIALS for one that nobody has, that several have, or that has no keys.
 */
export async function namedCredentials(
  name: string,
  environment: Environment,
  homeDirectory: string,
  credentialsFile: string,
): Promise<UsableCredentials> {
  const found = await findOtherCredentials(environment, homeDirectory)
  const exact = found.filter(({ profile }) => profile === name)
  const matching = distinct(exact.length > 0 ? exact : found.filter(({ aliases }) => aliases.includes(name)))
  const [first, ...others] = matching
  if (first === undefined) {
    throw new AppError(
      'NO_CREDENTIALS',
      `there is no profile ${name} in ${credentialsFile}, rclone.conf or .s3cfg`,
      {
        hints: [...placesHint(found), '`aws configure list-profiles` shows those of the AWS tools'],
      },
    )
  }
  if (others.length > 0) {
    throw new AppError('NO_CREDENTIALS', `several places have a profile ${name}`, {
      hints: placesHint(matching),
    })
  }
  return usable(first)
}

/**
 * The only credentials that rclone and s3cmd have for a server, or for any where none is given; undefined when they have
 * none. Throws NO_CREDENTIALS when there are several: which project acts is not to be guessed.
 */
export async function onlyCredentials(
  endpoint: string | undefined,
  environment: Environment,
  homeDirectory: string,
): Promise<UsableCredentials | undefined> {
  const found = await findOtherCredentials(environment, homeDirectory)
  const candidates = distinct(
    found.filter(
      (one) => one.keys !== undefined && (endpoint === undefined || sameServer(endpoint, one.endpoint)),
    ),
  )
  const [first, ...others] = candidates
  if (first === undefined) return undefined
  if (others.length > 0) {
    throw new AppError(
      'NO_CREDENTIALS',
      'there are several sets of credentials, and none of them was chosen',
      {
        hints: [...placesHint(candidates), '`sealift doctor` tells which project each belongs to'],
      },
    )
  }
  return usable(first)
}

/** What rclone and s3cmd have and can't be used, and why: a sentence each. */
export async function unusableSources(environment: Environment, homeDirectory: string): Promise<string[]> {
  const found = await findOtherCredentials(environment, homeDirectory)
  return found.flatMap(({ profile, file, problem }) =>
    problem === undefined ? [] : [`${profile ?? ''} in ${file ?? ''} can't be used: ${problem}`],
  )
}

/** Says again what a set of credentials has; for keys that were replaced meanwhile. */
export async function rereadCredentials(
  { profile }: UsableCredentials,
  environment: Environment,
  homeDirectory: string,
): Promise<UsableCredentials | undefined> {
  const found = await findOtherCredentials(environment, homeDirectory)
  const again = found.find((one) => one.profile === profile)
  return again?.keys === undefined ? undefined : usable(again)
}

/** For people: `rclone:s3allas in /home/u/.config/rclone/rclone.conf (https://a3s.fi)`. */
export function spelledPlace({ profile, file, endpoint }: FoundCredentials): string {
  return `${profile ?? 'the AWS_ variables'}${file === undefined ? '' : ` in ${file}`} (${endpoint === undefined ? 'AWS' : endpointWithoutUser(endpoint)})`
}

function usable(found: FoundCredentials): UsableCredentials {
  const { keys, profile, file } = found
  if (keys === undefined || profile === undefined || file === undefined) {
    throw new AppError(
      'NO_CREDENTIALS',
      `no keys in ${profile ?? 'there'} of ${file ?? ''}: ${found.problem ?? ''}`,
      {
        hints:
          found.kind === 'rclone' && found.problem?.includes('encrypted') === true
            ? ['`rclone config show NAME` prints the keys; put them into ~/.aws/credentials']
            : [],
      },
    )
  }
  return { ...found, keys, profile, file }
}

function placesHint(found: readonly FoundCredentials[]): string[] {
  return found.slice(0, SHOWN_PLACES).map((one) => {
    const what = one.problem === undefined ? spelledPlace(one) : `${spelledPlace(one)}: ${one.problem}`
    return `--profile ${what}`
  })
}

const SHOWN_PLACES = 12
