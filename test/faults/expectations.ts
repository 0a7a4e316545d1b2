/** What must be true after a transfer of the fault campaign. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { hasCode } from '../../src/util/errors.ts'
import { download } from '../../src/workflows/download.ts'
import type { DownloadResult } from '../../src/workflows/download.ts'
import type { UploadResult } from '../../src/workflows/upload.ts'
import { filesBelow } from '../support/files.ts'
import type { Play } from './play.ts'

/** The object holds one of the contents, whole; where it need not be there it may be missing. */
export async function expectObject(
  play: Play,
  objectKey: string,
  contents: readonly Uint8Array[],
  required: boolean,
): Promise<void> {
  const { bucket, folder, reader, plainStore } = play.ground
  if (!(await exists(play, objectKey))) {
    if (required) play.wrong(`${objectKey} is not there`)
    return
  }
  const path = join(folder, `${play.name}-checked`)
  try {
    await download({
      store: plainStore,
      bucket,
      source: objectKey,
      destination: path,
      identities: [reader],
      decrypt: true,
      force: true,
    })
    const found = await readFile(path)
    if (!contents.some((content) => found.equals(content))) play.wrong(`${objectKey} holds something else`)
  } catch (error) {
    play.wrong(`${objectKey} can't be read back: ${String(error)}`)
  } finally {
    await rm(path, { force: true })
  }
}

export async function expectFile(
  play: Play,
  path: string,
  contents: readonly Uint8Array[],
  required: boolean,
): Promise<void> {
  const found = await readFile(path).catch(() => undefined)
  if (found === undefined) {
    if (required) play.wrong(`${path} is not there`)
  } else if (!contents.some((content) => found.equals(content))) {
    play.wrong(`${path} holds something else (${found.length} bytes)`)
  }
}

/** Every file is delivered or named as failed, and what is there is right. */
export async function expectDelivery(
  play: Play,
  prefix: string,
  files: Record<string, Uint8Array>,
  result: UploadResult | undefined,
): Promise<void> {
  const delivered = new Set(result?.objects.map(({ objectKey }) => objectKey))
  if (result !== undefined && result.objects.length + result.failed.length !== Object.keys(files).length) {
    play.wrong(`of ${Object.keys(files).length} files ${result.objects.length} are reported as done`)
  }
  for (const [name, content] of Object.entries(files)) {
    const objectKey = `${prefix}${name}.c4gh`
    await expectObject(play, objectKey, [content], delivered.has(objectKey))
  }
}

export async function expectReceived(
  play: Play,
  prefix: string,
  target: string,
  files: Record<string, Uint8Array>,
  result: DownloadResult | undefined,
): Promise<void> {
  const received = new Set(result?.files.map(({ objectKey }) => objectKey))
  if (result !== undefined && result.files.length + result.failed.length !== Object.keys(files).length) {
    play.wrong(`of ${Object.keys(files).length} files ${result.files.length} are reported as received`)
  }
  for (const [name, content] of Object.entries(files)) {
    await expectFile(play, join(target, name), [content], received.has(`${prefix}${name}.c4gh`))
  }
  if (result === undefined) return
  const visible = (await filesBelow(target)).filter((path) => !/(^|\/)\./.test(path))
  const strange = visible.filter((path) => files[path] === undefined)
  if (strange.length > 0) play.wrong(`nobody asked for ${strange.join(', ')}`)
}

/** A transfer that came to its end leaves no journal. */
export async function expectNothingLeft({ wrong }: Play, folder: string): Promise<void> {
  const left = await readdir(join(folder, 'state')).catch(() => [])
  if (left.length > 0) wrong(`left behind: ${left.join(', ')}`)
}

async function exists({ ground }: Play, objectKey: string): Promise<boolean> {
  try {
    await ground.plainStore.headObject(ground.bucket, objectKey)
    return true
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return false
    throw error
  }
}
