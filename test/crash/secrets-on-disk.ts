import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes that must not be on a disk, in any spelling a program might have written them in. */
export interface Secret {
  name: string
  bytes: Uint8Array
}

/**
 * Looks through every file below the folders: for the bytes themselves, in hex, and in base64 however it is aligned.
 *
 * @param except - file that may hold them
 * @returns what was found where
 */
export async function secretsOnDisk(
  folders: readonly string[],
  secrets: readonly Secret[],
  except: (path: string) => boolean = () => false,
): Promise<string[]> {
  const needles = secrets.flatMap(({ name, bytes }) => spellings(bytes).map((needle) => ({ name, needle })))
  const found: string[] = []
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      for (const { name, needle } of needles) {
        if (Buffer.from(path).includes(needle)) found.push(`${name} in the name ${path}`)
      }
      if (!entry.isFile() || except(path)) continue
      const content = await readFile(path)
      for (const { name, needle } of needles) if (content.includes(needle)) found.push(`${name} in ${path}`)
    }
  }
  return found
}

function spellings(bytes: Uint8Array): Buffer[] {
  const raw = Buffer.from(bytes)
  const hex = raw.toString('hex')
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), raw]).toString('base64')
    // The first and the last group depend on what stands around.
    return text.slice(before === 0 ? 0 : 4, -4)
  })
  const texts = [hex, hex.toUpperCase(), ...base64]
  const forUrls = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  return [raw, ...new Set([...texts, ...forUrls])].map((needle) => Buffer.from(needle))
}
