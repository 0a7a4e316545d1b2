import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The environment as the layers below get it: by value, from here alone. */
export type Environment = Readonly<Record<string, string | undefined>>

/** This process's environment. */
export function environment(): Environment {
  return process.env
}

/**
 * The folder of the address book, the pinned keys and the named recipients: `$SEALIFT_CONFIG_DIR`, `$XDG_CONFIG_HOME/sealift` or
 * `~/.config/sealift`. It may not exist yet.
 */
export function configDir(env: Environment = process.env): string {
  const own = env['SEALIFT_CONFIG_DIR']
  if (own !== undefined && own !== '') return resolve(own)
  const xdg = env['XDG_CONFIG_HOME']
  // The XDG base directory specification: a relative path is to be ignored.
  if (xdg?.startsWith('/') === true) return join(xdg, 'sealift')
  return join(homedir(), '.config', 'sealift')
}

/**
 * The folder of the journals of unfinished transfers, below `$SEALIFT_STATE_DIR`, `$XDG_STATE_HOME/sealift` or
 * `~/.local/state/sealift`. It may not exist yet.
 */
export function transfersFolder(env: Environment = process.env): string {
  return join(stateDir(env), 'transfers')
}

/** What is known of copies in parts that `access adopt` began, below the same folder. */
export function adoptionsFolder(env: Environment = process.env): string {
  return join(stateDir(env), 'adoptions')
}

/** What is known of copies that `cp` and `mv` began, below the same folder. */
export function copiesFolder(env: Environment = process.env): string {
  return join(stateDir(env), 'copies')
}

/** What runs of `rekey` have done and begun, below the same folder. */
export function rekeysFolder(env: Environment = process.env): string {
  return join(stateDir(env), 'rekeys')
}

/** How fast earlier transfers were, below the same folder. */
export function ratesFile(env: Environment = process.env): string {
  return join(stateDir(env), 'rates.json')
}

/** What was done to the access of buckets from here, below the same folder. */
export function accessHistoryFile(env: Environment = process.env): string {
  return join(stateDir(env), 'access-history.jsonl')
}

/**
 * The headers that listings fetched, below `$SEALIFT_CACHE_DIR`, `$XDG_CACHE_HOME/sealift` or `~/.cache/sealift`. The
 * folder may not exist yet; nothing is lost with it.
 */
export function headersFolder(env: Environment = process.env): string {
  const own = env['SEALIFT_CACHE_DIR']
  if (own !== undefined && own !== '') return join(resolve(own), 'headers')
  const xdg = env['XDG_CACHE_HOME']
  if (xdg?.startsWith('/') === true) return join(xdg, 'sealift', 'headers')
  return join(homedir(), '.cache', 'sealift', 'headers')
}

function stateDir(env: Environment): string {
  const own = env['SEALIFT_STATE_DIR']
  if (own !== undefined && own !== '') return resolve(own)
  const xdg = env['XDG_STATE_HOME']
  if (xdg?.startsWith('/') === true) return join(xdg, 'sealift')
  return join(homedir(), '.local', 'state', 'sealift')
}

/** The address book of projects. */
export function projectBookFile(): string {
  return join(configDir(), 'projects.json')
}

/** The bucket keys seen before. */
export function knownKeysFile(): string {
  return join(configDir(), 'known-keys.json')
}

/** What `sealift doctor` found out about servers. */
export function serversFile(): string {
  return join(configDir(), 'servers.json')
}

/** The user's own named recipients: `NAME.pub` in it is `@NAME`. */
export function recipientsFolder(): string {
  return join(configDir(), 'recipients')
}

/** Where the workflows that look at access find what this machine knows. */
export function knownPlaces(): { projectBook: string; accessHistory: string; transfers: string } {
  return {
    projectBook: projectBookFile(),
    accessHistory: accessHistoryFile(),
    transfers: transfersFolder(),
  }
}
