import { stat } from 'node:fs/promises'
import { KEY_CARD_PREFIX } from '../storage/access/key-card.ts'
import type { ObjectEntry } from '../storage/object-store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { errnoOf, fileError } from '../util/file-errors.ts'
import type { DownloadRequest } from './download-request.ts'
import { singleTarget, targetPath } from './download-targets.ts'
import { pathFilter } from './path-filter.ts'
import type { FailedFile } from './transfer-run.ts'
import { SEALED_SUFFIX } from './upload-sources.ts'

/** An object to download; kept small, because there may be a hundred thousand. */
export interface DownloadTarget {
  objectKey: string
  /** Bytes. */
  size: number
  etag: string
}

export interface FoundDownloads {
  targets: DownloadTarget[]
  /** Where their sizes and ETags come from: a listing may be old when the turn of an object comes. */
  source: 'head' | 'listing'
  /** Where an object goes. */
  pathOf: (target: DownloadTarget) => string
  /** Objects whose keys name no file below the folder. */
  unsafe: FailedFile[]
  /** Keys of the key card. */
  skipped: string[]
  /** Objects that the patterns leave out. */
  excluded: number
}

/**
 * Looks up what is to be downloaded: one object, or all below a prefix.
 *
 * @throws AppError OBJECT_NOT_FOUND when there is nothing, USAGE for a bad pattern; StorageError
 */
export async function findDownloads(request: DownloadRequest): Promise<FoundDownloads> {
  return isPrefix(request.source) ? objectsBelow(request) : oneObject(request)
}

/** True for what stands for everything below it. */
function isPrefix(source: string): boolean {
  return source === '' || source.endsWith('/')
}

async function oneObject(request: DownloadRequest): Promise<FoundDownloads> {
  const { store, bucket, source, destination, signal } = request
  if ((request.include ?? []).length > 0 || (request.exclude ?? []).length > 0) {
    throw new AppError(
      'USAGE',
      'patterns choose among the objects below a prefix, and this is a single object',
    )
  }
  const { size, etag } = await store.headObject(bucket, source, { signal })
  const folder = destination?.endsWith('/') === true || (await isFolder(destination ?? '.'))
  const path = singleTarget(destination, folder, source, request.decrypt)
  const targets = [{ objectKey: source, size, etag }]
  return { targets, source: 'head', pathOf: () => path, unsafe: [], skipped: [], excluded: 0 }
}

async function objectsBelow(request: DownloadRequest): Promise<FoundDownloads> {
  const { store, bucket, source, destination = '.', decrypt, signal } = request
  const isMeant = meant(request)
  const pathOf = ({ objectKey }: { objectKey: string }): string =>
    targetPath(destination, source, objectKey, decrypt)
  const found: FoundDownloads = {
    targets: [],
    source: 'listing',
    pathOf,
    unsafe: [],
    skipped: [],
    excluded: 0,
  }
  const taken = new Set<string>()
  for await (const entry of store.listObjects(bucket, { prefix: source, signal })) {
    const { objectKey, size, etag } = entry
    if (isFolderMarker(entry)) continue
    if (decrypt && objectKey.startsWith(KEY_CARD_PREFIX) && !source.startsWith(KEY_CARD_PREFIX)) {
      found.skipped.push(objectKey)
    } else if (!isMeant(objectKey.slice(source.length))) {
      found.excluded += 1
    } else {
      try {
        const path = pathOf(entry)
        if (taken.has(path)) throw sameFile(objectKey, path)
        // Of keys that are kept as they are no two give the same path.
        if (decrypt) taken.add(path)
        found.targets.push({ objectKey, size, etag })
      } catch (error) {
        if (!hasCode(error, 'UNSAFE_PATH')) throw error
        found.unsafe.push({ name: objectKey, error })
      }
    }
  }
  if (found.targets.length === 0 && found.unsafe.length === 0) throw nothingThere(request, found.excluded)
  return found
}

/** A pattern may name the object or the file it becomes. */
function meant({ include = [], exclude = [], decrypt }: DownloadRequest): (relativePath: string) => boolean {
  const isIncluded = pathFilter(include, [])
  const isNotExcluded = pathFilter([], exclude)
  return (relativePath) => {
    const names = [relativePath]
    if (decrypt && relativePath.endsWith(SEALED_SUFFIX)) {
      names.push(relativePath.slice(0, -SEALED_SUFFIX.length))
    }
    return names.some((name) => isIncluded(name)) && names.every((name) => isNotExcluded(name))
  }
}

/** Web consoles make "folders" of empty objects whose key ends in a slash. */
function isFolderMarker({ objectKey, size }: Pick<ObjectEntry, 'objectKey' | 'size'>): boolean {
  return objectKey.endsWith('/') && size === 0
}

function sameFile(objectKey: string, path: string): AppError {
  return new AppError('UNSAFE_PATH', `${objectKey} and another object would both become ${path}`, {
    hints: ['download one of them alone and name the file it should become'],
  })
}

function nothingThere({ bucket, source }: DownloadRequest, excluded: number): AppError {
  return excluded > 0
    ? new AppError(
        'OBJECT_NOT_FOUND',
        `the patterns leave out all ${excluded} objects below s3://${bucket}/${source}`,
      )
    : new AppError('OBJECT_NOT_FOUND', `there is no object below s3://${bucket}/${source}`, {
        hints: [`look what is there: sealift ls s3://${bucket}/`],
      })
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw fileError(error, 'write', path)
  }
}
