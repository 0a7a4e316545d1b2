import { randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, open, readFile, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { findProgram } from '../test/support/requirements.ts'
import type { Command } from './measure.ts'

const BIN = fileURLToPath(new URL('../bin/run.js', import.meta.url))

/** A folder for the files of a bench: in memory where there is room, so that no disk is measured. */
export interface Workplace {
  folder: string
  inMemory: boolean
  path: (...names: string[]) => string
  remove: () => Promise<void>
}

/** Programs, servers and the system need some of the memory themselves, bytes. */
const SPARED_MEMORY = 6 * 1024 ** 3

/** Makes a workplace with room for `bytes`; on disk where memory is short, or where `onDisk` asks for it. */
export async function createWorkplace(bytes: number, onDisk = false): Promise<Workplace> {
  const room = Math.min((await freeBytes('/dev/shm')) / 1.2, (await availableMemory()) - SPARED_MEMORY)
  const inMemory = !onDisk && room > bytes
  const folder = await mkdtemp(join(inMemory ? '/dev/shm' : tmpdir(), 'sealift-bench-'))
  if (inMemory) await touchMemory(join(folder, 'touched'), bytes)
  return {
    folder,
    inMemory,
    path: (...names) => join(folder, ...names),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Fills a file with random bytes, which nobody can compress. */
export async function writeRandomFile(file: string, size: number): Promise<void> {
  const block = Buffer.allocUnsafe(8 * 1024 ** 2)
  await using handle = await open(file, 'w')
  for (let written = 0; written < size; written += block.length) {
    await handle.write(randomFillSync(block), 0, Math.min(block.length, size - written))
  }
}

/**
 * Uses memory once and gives it back: a virtual machine gets its pages from the host at first use, which takes
 * several times as long as writing to them, and whichever program came first would pay for all.
 */
async function touchMemory(file: string, bytes: number): Promise<void> {
  const block = Buffer.alloc(8 * 1024 ** 2, 1)
  await using handle = await open(file, 'w')
  for (let written = 0; written < bytes; written += block.length) await handle.write(block)
  await rm(file)
}

/** The programs a bench compares sealift with; those that are not installed are left out of the table. */
export const PEERS = ['crypt4gh', 'crypt4gh-go', 'aws', 'rclone', 's5cmd'] as const

export type Peer = (typeof PEERS)[number]

export function hasPeer(peer: Peer): boolean {
  return findProgram(peer) !== undefined
}

/** A command of a peer, of .tmp/peers before PATH. */
export function peerCommand(
  peer: Peer,
  cwd: string,
  args: readonly string[],
  options: Partial<Pick<Command, 'env' | 'stdin' | 'stdout'>> = {},
): Command {
  return { program: findProgram(peer) ?? peer, args, cwd, env: {}, ...options }
}

/** A command of sealift, as built, with the Node.js and its flags that the installed command runs with. */
export function sealiftCommand(cwd: string, args: readonly string[], env: Command['env']): Command {
  return { program: process.execPath, args: [...nodeFlags(), BIN, ...args], cwd, env }
}

/** The flags of the first line, `#!/usr/bin/env -S node …`. */
function nodeFlags(): string[] {
  const [firstLine = ''] = readFileSync(BIN, 'utf8').split('\n', 1)
  return firstLine.split(' ').filter((word) => word.startsWith('--'))
}

async function availableMemory(): Promise<number> {
  const [, kibibytes = '0'] =
    /^MemAvailable:\s+(\d+) kB$/m.exec(await readFile('/proc/meminfo', 'utf8')) ?? []
  return Number(kibibytes) * 1024
}

async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return 0
  }
}
