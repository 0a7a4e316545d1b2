import { lstat } from 'node:fs/promises'
import type { TransferJournal } from '../transfer/journal/transfer-journal.ts'
import { alreadyHere } from './download-journal.ts'
import type { DownloadRequest, PlannedDownload } from './download-request.ts'
import type { DownloadTarget, FoundDownloads } from './find-downloads.ts'

/** What a run would do about each object; nothing is fetched or written. */
export async function plannedDownloads(
  request: DownloadRequest,
  { targets, pathOf }: FoundDownloads,
  journal: TransferJournal | undefined,
): Promise<PlannedDownload[]> {
  const planned: PlannedDownload[] = []
  for (const target of targets) {
    const path = pathOf(target)
    const { objectKey, size: objectSize } = target
    planned.push({ objectKey, path, objectSize, state: await stateOf(request, journal, target, path) })
  }
  return planned
}

async function stateOf(
  { force }: DownloadRequest,
  journal: TransferJournal | undefined,
  target: DownloadTarget,
  path: string,
): Promise<PlannedDownload['state']> {
  if ((await alreadyHere(journal, target, path)) !== undefined) return 'here'
  const exists = await lstat(path).then(
    () => true,
    () => false,
  )
  if (exists && !force) return 'exists'
  const begun = journal?.earlier.downloads.get(target.objectKey)?.begun
  return begun?.etag === target.etag ? 'resume' : 'new'
}
