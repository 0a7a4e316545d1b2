import { z } from 'zod'
import { fingerprintWords } from '../crypto/keys/fingerprint-words.ts'
import { AppError } from '../util/errors.ts'
import { readJsonFile, writeJsonFile } from '../util/json-file.ts'

/** Where a key was found. */
export interface KeyPlace {
  endpoint: string
  bucket: string
}

/** A key as people compare it. */
export interface NamedKey {
  name: string
  /** `SHA256:…` */
  fingerprint: string
}

/** A key that is now pinned: part of the --json contract. */
export interface PinnedKey extends NamedKey {
  /** The first 80 bits of the fingerprint as words. */
  words: string
  /** `new`: seen for the first time; `changed`: another one was pinned and the change was accepted. */
  state: 'new' | 'known' | 'changed'
  /** The fingerprint that was pinned before. */
  previous?: string
}

export interface PinOptions {
  /** Pin the new key where it is another than before. */
  acceptChanged?: boolean | undefined
}

const fileSchema = z.object({
  version: z.literal(1),
  keys: z.array(
    z.object({ endpoint: z.string(), bucket: z.string(), name: z.string(), fingerprint: z.string() }),
  ),
})

/**
 * Compares keys with those that were seen in the same place before, and remembers the new ones: trust on first use, as
 * ssh does with known_hosts. Throws KEY_CHANGED with both fingerprints, and then pins nothing at all.
 */
export async function pinKeys(
  path: string,
  place: KeyPlace,
  keys: readonly NamedKey[],
  { acceptChanged = false }: PinOptions = {},
): Promise<PinnedKey[]> {
  const file = await readJsonFile(path, fileSchema, { version: 1, keys: [] })
  const endpoint = normalEndpoint(place.endpoint)
  const isHere = (pin: KeyPlace): boolean => pin.endpoint === endpoint && pin.bucket === place.bucket
  const pinned = new Map(file.keys.filter(isHere).map(({ name, fingerprint }) => [name, fingerprint]))

  const compared = keys.map((key) => withState(key, pinned.get(key.name)))
  const changed = compared.filter(({ state }) => state === 'changed')
  if (changed.length > 0 && !acceptChanged) throw keyChanged(place, changed)

  if (compared.some(({ state }) => state !== 'known')) {
    const replaced = new Set(compared.map(({ name }) => name))
    const kept = file.keys.filter((pin) => !isHere(pin) || !replaced.has(pin.name))
    const added = compared.map(({ name, fingerprint }) => ({
      endpoint,
      bucket: place.bucket,
      name,
      fingerprint,
    }))
    await writeJsonFile(path, { version: 1, keys: [...kept, ...added] })
  }
  return compared
}

/** The buckets of a server whose keys were seen, as they were addressed. Throws FILE_UNREADABLE. */
export async function pinnedBuckets(path: string, endpoint: string): Promise<string[]> {
  const { keys } = await readJsonFile(path, fileSchema, { version: 1, keys: [] })
  const here = normalEndpoint(endpoint)
  return [...new Set(keys.filter((pin) => pin.endpoint === here).map(({ bucket }) => bucket))]
}

function withState({ name, fingerprint }: NamedKey, previous: string | undefined): PinnedKey {
  const key = { name, fingerprint, words: fingerprintWords(fingerprint) }
  if (previous === undefined) return { ...key, state: 'new' }
  if (previous === fingerprint) return { ...key, state: 'known' }
  return { ...key, state: 'changed', previous }
}

function keyChanged({ bucket }: KeyPlace, changed: readonly PinnedKey[]): AppError {
  const names = changed.map(({ name }) => name).join(', ')
  return new AppError(
    'KEY_CHANGED',
    `the key ${names} in bucket ${bucket} is not the one seen there before`,
    {
      hints: [
        ...changed.map(
          ({ name, fingerprint, previous }) => `${name}: was ${previous ?? ''}, is ${fingerprint}`,
        ),
        "ask the bucket's owner, by another way than the bucket, which one is right",
        'if the new one is, run the command again with --accept-changed-key',
      ],
    },
  )
}

/** The same server, however it is written: scheme and host in lower case, without the default port and a last slash. */
function normalEndpoint(endpoint: string): string {
  const url = URL.parse(endpoint)
  return url === null ? endpoint : `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
