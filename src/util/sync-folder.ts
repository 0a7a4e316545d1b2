import { open } from 'node:fs/promises'

/** Makes new and removed names in a folder durable. Windows cannot open folders and needs no such step. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The same where the file system allows it: what the files hold is safe already. */
export async function trySyncFolder(folder: string): Promise<void> {
  await syncFolder(folder).catch(() => undefined)
}
