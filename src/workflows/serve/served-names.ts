/** Which object a path stands for; pure. A path is what follows the token in an address, decoded once. */
import { isPrefix } from '../named-objects.ts'
import type { S3Location } from '../s3-url.ts'

/** The ending of sealed objects, which paths leave out. */
const SUFFIX = '.c4gh'

/** What stands beside a file so that programs can read it at random; served with a single object. */
const INDEX_ENDINGS = ['.bai', '.csi', '.crai', '.tbi', '.fai', '.gzi', '.idx', '.dict']

/** What is served. */
export interface ServedPlace {
  bucket: string
  /** What object keys have before the path. */
  prefix: string
  /** For a single object, its path and those of its index files; undefined for everything below the prefix. */
  only: SingleObject | undefined
}

interface SingleObject {
  objectKey: string
  path: string
  indexPaths: ReadonlySet<string>
  /** What its path and those of its index files begin with. */
  stem: string
}

/** An object that a path may stand for. */
export interface Candidate {
  objectKey: string
  /** Only as a Crypt4GH object: its own name says that it is one. */
  sealed: boolean
}

export function servedPlace(place: S3Location): ServedPlace {
  const { bucket, objectKey } = place
  if (isPrefix(place)) return { bucket, prefix: objectKey, only: undefined }
  const prefix = objectKey.slice(0, objectKey.lastIndexOf('/') + 1)
  const path = pathOf(objectKey.slice(prefix.length))
  const stem = path.replace(/(?<=.)\.[^.]*$/, '')
  const indexPaths = new Set([path, stem].flatMap((name) => INDEX_ENDINGS.map((ending) => name + ending)))
  indexPaths.delete(path)
  return { bucket, prefix, only: { objectKey, path, indexPaths, stem } }
}

/** The path of an object key without the prefix: `.c4gh` is left out. */
export function pathOf(name: string): string {
  return name.endsWith(SUFFIX) && name.length > SUFFIX.length ? name.slice(0, -SUFFIX.length) : name
}

/** True for what is served at all; names are looked up exactly, `.` and `..` mean nothing. */
export function isServed({ only }: ServedPlace, path: string): boolean {
  return only === undefined || path === only.path || only.indexPaths.has(path)
}

/** The objects a path may stand for, in the order in which they are looked for: the sealed one comes first. */
export function candidatesOf(served: ServedPlace, path: string): Candidate[] {
  const { prefix, only } = served
  if (!isServed(served, path)) return []
  if (path === only?.path) return [{ objectKey: only.objectKey, sealed: false }]
  const objectKey = prefix + path
  return [
    { objectKey: objectKey + SUFFIX, sealed: true },
    { objectKey, sealed: false },
  ].filter((candidate) => Buffer.byteLength(candidate.objectKey) <= MAX_OBJECT_KEY_BYTES)
}

/** Bytes of UTF-8 that S3 allows in an object key: longer ones need not be asked for. */
const MAX_OBJECT_KEY_BYTES = 1024
