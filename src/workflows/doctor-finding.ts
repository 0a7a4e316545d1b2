import { StorageError } from '../storage/errors.ts'
import type { Capabilities } from '../storage/provider/provider.ts'
import { AppError } from '../util/errors.ts'

/** How one check ended: `failed` keeps sealift from working, `warning` is worth knowing. */
export type FindingResult = 'ok' | 'warning' | 'failed' | 'skipped'

/** One check and what it showed; part of the --json contract. */
export interface DoctorFinding {
  /** Stable name of the check, listed in docs/doctor.md. */
  check: string
  result: FindingResult
  /** A sentence for people. */
  message: string
  hint?: string
}

/** What a group of checks showed, and which capabilities of the server it saw. */
export interface Examined {
  findings: DoctorFinding[]
  /** Only what was seen; everything else stays as the kind of server has it. */
  seen: Partial<Capabilities>
}

/** Puts groups together; later ones overrule. */
export function together(...groups: readonly Examined[]): Examined {
  return {
    findings: groups.flatMap(({ findings }) => findings),
    seen: Object.assign({}, ...groups.map(({ seen }) => seen)) as Partial<Capabilities>,
  }
}

/** A check without a word on capabilities. */
export function finding(check: string, result: FindingResult, message: string, hint?: string): DoctorFinding {
  return { check, result, message, ...(hint === undefined ? {} : { hint }) }
}

/** One check that says something about capabilities. */
export function examined(one: DoctorFinding, seen: Partial<Capabilities> = {}): Examined {
  return { findings: [one], seen }
}

/**
 * Runs a check. A failure of the store becomes a finding, with the first hint that came with it; an interrupt and a bug
 * go on as they are.
 */
export async function check(
  name: string,
  result: Exclude<FindingResult, 'ok'>,
  perform: () => Promise<Examined>,
): Promise<Examined> {
  try {
    return await perform()
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'INTERRUPTED' || error.code === 'TERMINATED')
      throw error
    return examined(finding(name, result, error.message, error.hints[0]))
  }
}

/** True for a refusal that says the server does not do this: 405, 501, or 400 to a request that is well formed. */
export function isUnsupported(error: unknown): error is StorageError {
  if (!(error instanceof StorageError)) return false
  return error.code === 'UNSUPPORTED' || error.status === 400 || error.status === 501
}
