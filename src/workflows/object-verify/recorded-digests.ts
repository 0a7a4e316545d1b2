/**
 * What was written down about files when they were uploaded: the SHA-256 of each, by name. Read from the lines of
 * `sha256sum`, the `--json` result of an upload, or its log (a JSON line for each thing that happened).
 */
import { basename } from 'node:path/posix'
import { AppError } from '../../util/errors.ts'
import { readSmallFile } from '../../util/small-file.ts'

/** Digests of files, found by the object they became. */
export interface RecordedDigests {
  /** Hex; undefined when nothing was recorded of the object, or when its bare name stands for several files. */
  of(objectKey: string): string | undefined
  /** What is recorded and was asked for by no object. */
  unused(): string[]
}

/** Bytes of a list: that of a hundred thousand objects has some 40 MiB. */
const LIST_LIMIT = 128 * 1024 ** 2

const SHA256_HEX = /^[0-9a-f]{64}$/
const SUFFIX = '.c4gh'

/** One file of a list. */
interface Recorded {
  sha256: string
  /** The object it became, where that was recorded. */
  objectKey: string | undefined
  /** The file, as it was named. */
  path: string
}

/**
 * Reads a list of digests.
 *
 * @param prefix - what the objects' keys begin with: names in the list count from there, or from the bucket
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE; USAGE for what is no such list, or one that contradicts itself
 */
export async function readRecordedDigests(path: string, prefix: string): Promise<RecordedDigests> {
  const bytes = await readSmallFile(path, 'read the digests', LIST_LIMIT)
  const recorded = parseDigests(new TextDecoder().decode(bytes), path)
  if (recorded.length > 0) return new DigestsByName(recorded, prefix, path)
  throw new AppError('USAGE', `${path} has no SHA-256 in it`, {
    hints: ['give the output of `sha256sum`, of `sealift upload --json`, or the file of its --log'],
  })
}

/** The files of a list, in its order. Throws AppError USAGE for a line that is none. */
export function parseDigests(text: string, path: string): Recorded[] {
  return text.trimStart().startsWith('{') ? parseJsonDigests(text, path) : parseSumLines(text, path)
}

class DigestsByName implements RecordedDigests {
  readonly #prefix: string
  readonly #byKey = new Map<string, Recorded>()
  readonly #byPath = new Map<string, Recorded>()
  /** Undefined for a name that several files have. */
  readonly #byName = new Map<string, Recorded | undefined>()
  readonly #unused: Set<Recorded>

  constructor(recorded: readonly Recorded[], prefix: string, list: string) {
    this.#prefix = prefix
    for (const one of recorded) {
      // What an object became later replaces what it was: a log goes on over several uploads.
      if (one.objectKey !== undefined) this.#byKey.set(one.objectKey, one)
      else this.#addPath(one, list)
    }
    this.#unused = new Set([...this.#byKey.values(), ...this.#byPath.values()])
    for (const one of this.#unused) {
      const name = bareName(nameOf(one))
      this.#byName.set(name, this.#byName.has(name) ? undefined : one)
    }
  }

  of(objectKey: string): string | undefined {
    const found = this.#find(objectKey)
    if (found !== undefined) this.#unused.delete(found)
    return found?.sha256
  }

  unused(): string[] {
    return [...this.#unused].map(nameOf)
  }

  #find(objectKey: string): Recorded | undefined {
    const relative = objectKey.startsWith(this.#prefix) ? objectKey.slice(this.#prefix.length) : objectKey
    for (const name of [objectKey, relative].flatMap((one) => [one, withoutSuffix(one)])) {
      const found = this.#byKey.get(name) ?? this.#byPath.get(name)
      if (found !== undefined) return found
    }
    // A bare name is enough where one side has no more: run_1/reads.bam is not run_2/reads.bam.
    const sameName = this.#byName.get(bareName(objectKey))
    const isBare = sameName !== undefined && (isBareName(nameOf(sameName)) || isBareName(relative))
    return isBare ? sameName : undefined
  }

  #addPath(one: Recorded, list: string): void {
    const name = nameOf(one)
    const earlier = this.#byPath.get(name)
    if (earlier !== undefined && earlier.sha256 !== one.sha256) {
      throw new AppError('USAGE', `${list} has two different digests of ${name}`)
    }
    this.#byPath.set(name, one)
  }
}

function nameOf({ objectKey, path }: Recorded): string {
  return objectKey ?? path.replace(/^(?:\.\/)+/, '')
}

function isBareName(name: string): boolean {
  return !name.includes('/')
}

/** The last part of a name, as the file was called before it was encrypted. */
function bareName(name: string): string {
  return withoutSuffix(basename(name))
}

function withoutSuffix(name: string): string {
  return name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : name
}

/** `HEX  name`, `HEX *name`; with a backslash in front, backslashes and line breaks in the name are escaped (coreutils). */
function parseSumLines(text: string, path: string): Recorded[] {
  const recorded: Recorded[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line === '\r') continue
    const [, escaped, digest = '', name = ''] = /^(\\?)([0-9a-fA-F]{64}) [ *]([^]+?)\r?$/.exec(line) ?? []
    if (name === '') throw notAList(path, index + 1)
    const file = escaped === '' ? name : unescaped(name)
    recorded.push({ sha256: digest.toLowerCase(), objectKey: undefined, path: file })
  }
  return recorded
}

function unescaped(name: string): string {
  return name.replace(/\\([\\nr])/g, (_match, sign: string) => ({ n: '\n', r: '\r' })[sign] ?? sign)
}

/** The one document of a result, or a line for each event. */
function parseJsonDigests(text: string, path: string): Recorded[] {
  const document = parseJson(text)
  if (isRecord(document)) {
    const { objects } = document
    const list: unknown[] = Array.isArray(objects) ? objects : [document]
    return list.flatMap(recordedIn)
  }
  const all = text.split('\n')
  return all.flatMap((line, index) => {
    // The last line of a log is cut off when its writer was killed.
    if (line.trim() === '' || index === all.length - 1) return recordedIn(parseJson(line))
    const event = parseJson(line)
    if (isRecord(event)) return recordedIn(event)
    throw notAList(path, index + 1)
  })
}

/** What an object of a result or a line of a log records; nothing for the other lines. */
function recordedIn(entry: unknown): Recorded[] {
  if (!isRecord(entry)) return []
  const { sha256, objectKey, source, path } = entry
  if (typeof sha256 !== 'string' || !SHA256_HEX.test(sha256)) return []
  const file = typeof source === 'string' ? source : path
  if (typeof objectKey === 'string')
    return [{ sha256, objectKey, path: typeof file === 'string' ? file : objectKey }]
  return typeof file === 'string' ? [{ sha256, objectKey: undefined, path: file }] : []
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function notAList(path: string, line: number): AppError {
  return new AppError('USAGE', `line ${line} of ${path} is neither of sha256sum nor of an upload`, {
    hints: ['give the output of `sha256sum`, of `sealift upload --json`, or the file of its --log'],
  })
}
