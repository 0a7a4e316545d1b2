import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { compareKeys } from '../../storage/key-order.ts'
import type { ObjectEntry } from '../../storage/object-store.ts'
import { fileError } from '../../util/file-errors.ts'
import { createPartialFile } from '../../util/partial-file.ts'
import { firstLine, LineWriter, serializeLine } from './header-cache-file.ts'
import { KeptHeaders, messageOf } from './kept-headers.ts'
import type { Beginning } from './object-beginning.ts'

/** Bytes of one bucket's file from which on nothing more is kept: the headers of about a million objects. */
const SIZE_LIMIT = 512 * 1024 ** 2
/** Milliseconds after which an unfinished file was left by a run that was killed. */
const ABANDONED_AFTER = 24 * 60 * 60 * 1000

interface HeaderCacheOptions {
  /** Where the files are; made when it is missing. */
  folder: string
  endpoint: string
  bucket: string
  /** What is listed: headers of other objects stay as they are. */
  prefix: string
  /** Told, in a sentence, why headers are not kept, or what was kept is of no use. */
  onNotice?: ((message: string) => void) | undefined
}

/**
 * Headers that were fetched before, by object key, ETag and size. It is walked in step with a listing, whose order it
 * has, and written anew on the way: memory stays flat however many there are. Nothing in it was ever opened.
 */
export interface HeaderCache {
  /** What is known of this version of an object. Objects are asked for in the order of their keys. */
  find(entry: ObjectEntry): Promise<Beginning | undefined>
  /**
   * Keeps what was learned, or found here before; in the order of the keys, each after it was asked for. What was found is
   * to be kept again, unless the walk ends before.
   *
   * @param learned - whether it says more than what was found here
   */
  keep(entry: ObjectEntry, beginning: Beginning, learned: boolean): Promise<void>
  /**
   * Ends the walk and puts the new file in place. Where it ended early, what was found and not kept again yet stays.
   *
   * @param complete - whether all was listed, so that what was not met exists no more
   */
  close(complete: boolean): Promise<void>
}

/** Opens the kept headers of a bucket. A cache that can't be used is said to be so, and is no failure. */
export async function openHeaderCache(options: HeaderCacheOptions): Promise<HeaderCache> {
  const { folder, endpoint, bucket, prefix, onNotice = () => undefined } = options
  const path = join(folder, fileName(endpoint, bucket))
  const first = firstLine(endpoint, bucket)
  const writer = await createWriter(folder, path, first).catch((error: unknown) => {
    onNotice(`headers are not kept for the next time: ${messageOf(error, folder)}`)
    return undefined
  })
  const old = new KeptHeaders(path, first, onNotice)
  await old.advance()
  return new MergingCache(old, writer, prefix, onNotice)
}

function fileName(endpoint: string, bucket: string): string {
  return `${createHash('sha256')
    .update(JSON.stringify([endpoint, bucket]))
    .digest('hex')
    .slice(0, 32)}.headers`
}

async function createWriter(folder: string, path: string, first: string): Promise<LineWriter> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw fileError(error, 'write', folder)
  })
  await removeAbandoned(folder)
  const writer = new LineWriter(await createPartialFile(path, { replace: true }))
  await writer.append(first)
  return writer
}

/** What a killed run left: it has a name of its own, so nobody would ever write over it. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('.') || !name.endsWith('.partial')) continue
    const path = join(folder, name)
    const stats = await stat(path).catch(() => undefined)
    if (stats !== undefined && Date.now() - stats.mtimeMs > ABANDONED_AFTER) await rm(path, { force: true })
  }
}

class MergingCache implements HeaderCache {
  readonly #old: KeptHeaders
  readonly #prefix: string
  readonly #onNotice: (message: string) => void
  #writer: LineWriter | undefined
  /** The key that was asked for last. */
  #asked: string | undefined
  /** What was found and not kept again yet, in the order of the keys: as much as the walk is ahead of what it keeps. */
  readonly #found: { objectKey: string; line: string }[] = []
  /** Whether the new file says anything else than the old one. */
  #changed = false

  constructor(
    old: KeptHeaders,
    writer: LineWriter | undefined,
    prefix: string,
    onNotice: (message: string) => void,
  ) {
    this.#old = old
    this.#writer = writer
    this.#prefix = prefix
    this.#onNotice = onNotice
  }

  async find({ objectKey, etag, size }: ObjectEntry): Promise<Beginning | undefined> {
    if (this.#asked !== undefined && compareKeys(this.#asked, objectKey) >= 0) {
      await this.#giveUp('the store does not list by the order of object keys')
      return undefined
    }
    this.#asked = objectKey
    await this.#passWhile((kept) => compareKeys(kept, objectKey) < 0, true)
    const { current } = this.#old
    if (current?.objectKey !== objectKey) return undefined
    await this.#old.advance()
    if (current.etag === etag && current.size === size) {
      this.#found.push(current)
      return current.beginning
    }
    this.#changed = true
    return undefined
  }

  async keep({ objectKey, etag, size }: ObjectEntry, beginning: Beginning, learned: boolean): Promise<void> {
    if (this.#found[0]?.objectKey === objectKey) this.#found.shift()
    if (this.#writer === undefined || this.#writer.size > SIZE_LIMIT || etag === '') return
    if (learned) this.#changed = true
    await this.#append(serializeLine({ objectKey, etag, size, beginning }))
  }

  async close(complete: boolean): Promise<void> {
    try {
      if (!complete) for (const { line } of this.#found) await this.#append(line)
      await this.#passWhile(() => true, complete)
      if (!this.#changed && !this.#old.cutShort) await this.#writer?.discard()
      else await this.#writer?.finish()
    } catch (error) {
      await this.#giveUp(messageOf(error, 'the file of kept headers'))
    } finally {
      await this.#old.close()
    }
  }

  /** Goes past lines of the old file, and takes those over that this listing says nothing about. */
  async #passWhile(isPassed: (objectKey: string) => boolean, dropListed: boolean): Promise<void> {
    for (let kept = this.#old.current; kept !== undefined && isPassed(kept.objectKey);) {
      if (dropListed && kept.objectKey.startsWith(this.#prefix)) this.#changed = true
      else await this.#append(kept.line)
      await this.#old.advance()
      kept = this.#old.current
    }
  }

  async #append(line: string): Promise<void> {
    try {
      await this.#writer?.append(line)
    } catch (error) {
      await this.#giveUp(messageOf(error, 'the file of kept headers'))
    }
  }

  async #giveUp(reason: string): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    if (writer === undefined) return
    this.#onNotice(`headers are not kept for the next time: ${reason}`)
    await writer.discard().catch(() => undefined)
  }
}
