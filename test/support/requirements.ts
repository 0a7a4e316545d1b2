import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { CEPH_PROGRAMS } from './ceph-rgw.ts'
import { MINIO_PROGRAMS } from './minio.ts'
import { VERSITYGW_PROGRAMS } from './versitygw.ts'

/** Real servers and peers that some tests need and a machine may lack, with the programs each consists of. */
const REQUIREMENTS = {
  rgw: CEPH_PROGRAMS,
  versitygw: VERSITYGW_PROGRAMS,
  minio: MINIO_PROGRAMS,
  'crypt4gh-python': ['crypt4gh', 'crypt4gh-keygen'],
  'crypt4gh-go': ['crypt4gh-go'],
  chromium: ['chromium'],
  samtools: ['samtools'],
} as const satisfies Record<string, readonly string[]>

export type Requirement = keyof typeof REQUIREMENTS

const PEERS = fileURLToPath(new URL('../../.tmp/peers/bin', import.meta.url))

/** The file that runs `program`: of .tmp/peers (.ci/peers.sh and .ci/servers.sh fill it), else the first one on PATH. */
export function findProgram(program: string): string | undefined {
  const folders = [PEERS, ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')]
  return folders.map((folder) => join(folder, program)).find(isExecutable)
}

/**
 * Why the tests of a requirement can't run here; undefined when they can.
 * Throws when SEALIFT_TEST_REQUIRE names it, so that a run which must include them fails instead.
 */
export function missing(requirement: Requirement): string | undefined {
  const absent = REQUIREMENTS[requirement].filter((program) => findProgram(program) === undefined)
  if (absent.length === 0) return undefined
  const reason = `${requirement} is not here: no ${absent.join(', ')} on PATH`
  if (required().includes(requirement)) throw new Error(`${reason}, and SEALIFT_TEST_REQUIRE names it`)
  return reason
}

/** Says once per run what will be skipped, and stops the run when something of SEALIFT_TEST_REQUIRE is absent. */
export function reportRequirements(): void {
  const names = Object.keys(REQUIREMENTS) as Requirement[]
  const unknown = required().filter((name) => !names.some((known) => known === name))
  if (unknown.length > 0) {
    throw new Error(`SEALIFT_TEST_REQUIRE names ${unknown.join(', ')}; known are ${names.join(', ')}`)
  }
  for (const name of names) {
    const reason = missing(name)
    if (reason !== undefined) console.error(`skipping: ${reason} (docs/testing.md)`)
  }
}

function required(): string[] {
  return (process.env['SEALIFT_TEST_REQUIRE'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
