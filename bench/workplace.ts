import { randomFillSync } from 'node:crypto'
import { mkdtemp, open, rm, statfs } from 'node:fs/promises'
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

/** Makes a workplace with room for `bytes`. */
export async function createWorkplace(bytes: number): Promise<Workplace> {
  const inMemory = (await freeBytes('/dev/shm')) > bytes * 1.5
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
export const PEERS = ['crypt4gh', 'crypt4gh-go', 'aws', 'rclone'] as const

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

/** A command of sealift, as built. */
export function sealiftCommand(cwd: string, args: readonly string[], env: Command['env']): Command {
  return { program: process.execPath, args: [BIN, ...args], cwd, env }
}

async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return 0
  }
}
