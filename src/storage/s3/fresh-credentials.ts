import type { Credentials } from './connection.ts'

/** Milliseconds before their end from which credentials count as ended: a request may be on its way that long. */
const MARGIN = 60_000

/** The credentials of one connection: kept while they hold, read again from where they came when they have ended. */
export interface FreshCredentials {
  /** Those to sign with now. Several callers share one reading. */
  current(): Promise<Credentials>
  /**
   * Reads them again after the store refused `refused`; true when there are others now, by whomever they were read.
   * Several callers share one reading.
   */
  renewed(refused: Credentials): Promise<boolean>
}

export interface FreshCredentialsOptions {
  /** Those that are known already. */
  first?: Credentials | undefined
  /** Reads them from where they come; called again for new ones. */
  read: () => Promise<Credentials>
  /** Milliseconds: the store's clock, as far as it is known. */
  now?: (() => number) | undefined
}

export function freshCredentials({ first, read, now = Date.now }: FreshCredentialsOptions): FreshCredentials {
  let kept = first
  let reading: Promise<Credentials> | undefined

  const readAgain = (): Promise<Credentials> => {
    reading ??= read()
      .then((credentials) => (kept = credentials))
      .finally(() => {
        reading = undefined
      })
    return reading
  }
  const endsWithin = (milliseconds: number, { expiration }: Credentials): boolean =>
    expiration !== undefined && expiration.getTime() - now() < milliseconds

  return {
    current: async () => {
      const known = kept
      if (known === undefined) return readAgain()
      if (!endsWithin(MARGIN, known)) return known
      return readAgain().catch((error: unknown) => {
        // The last minute of the old ones is better than none.
        if (endsWithin(0, known)) throw error
        return known
      })
    },
    renewed: async (refused) => {
      if (kept !== undefined && !same(kept, refused)) return true
      // What the store said tells more than that there is nothing newer.
      const newest = await readAgain().catch(() => refused)
      return !same(newest, refused)
    },
  }
}

function same(a: Credentials, b: Credentials): boolean {
  return (
    a.accessKeyId === b.accessKeyId &&
    a.secretAccessKey === b.secretAccessKey &&
    a.sessionToken === b.sessionToken
  )
}
