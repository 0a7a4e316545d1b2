import { printable } from './printable.ts'
import { count, lines } from './report.ts'

/** What was taken away from projects, as workflows give it. */
export interface ShutOutReport {
  removed: { statements: readonly string[]; bucketGrants: readonly string[]; objects: readonly string[] }
  aborted: readonly { objectKey: string }[]
  unclearUploads: readonly { objectKey: string }[]
  blocked: boolean
}

/** What trying it showed, as `access revoke` gives it. */
export interface ProofReport {
  state: string
  probes: readonly { caller: string; answer: string }[]
  unproven: readonly string[]
  leftovers: readonly string[]
  cannotBeRecalled: readonly string[]
}

/** What was removed, a line for each kind that there was, and what was read back. */
export function shutOutText({ removed, aborted, unclearUploads, blocked }: ShutOutReport): string {
  const done = (things: readonly unknown[], text: string): string | undefined =>
    things.length === 0 ? undefined : `  ${text}`
  return lines(
    done(removed.statements, `removed ${count(removed.statements.length, 'policy statement')}`),
    done(removed.bucketGrants, `removed ${count(removed.bucketGrants.length, 'grant')} of the bucket`),
    done(removed.objects, `removed grants of ${count(removed.objects.length, 'object')}`),
    done(aborted, `aborted ${count(aborted.length, 'unfinished upload')}`),
    ...unclearUploads.map(({ objectKey }) => `  left an upload of unknown owner: ${printable(objectKey)}`),
    blocked ? '  denied by name, whatever else allows' : undefined,
    '  read back: no way in remains',
  )
}

/** Unproven reasons that are shown. */
const REASONS = 5

/** Who tried and was refused, what that leaves open, and what no revocation reaches. */
export function proofText(proof: ProofReport): string {
  const { state, probes, unproven, leftovers, cannotBeRecalled } = proof
  const tried = [...new Set(probes.map(({ caller }) => caller))].map((caller) => {
    const refused = probes.filter((one) => one.caller === caller && one.answer === 'denied').length
    return `  tried as ${printable(caller)}: ${count(refused, 'request')} refused, none answered`
  })
  return lines(
    ...tried,
    ...leftovers.map((one) => `  a probe was left behind: ${printable(one)}`),
    state === 'enforced' ? '  enforced: every request was refused' : '  stored, not proven to be enforced:',
    ...unproven.slice(0, REASONS).map((reason) => `    ${printable(reason)}`),
    '  what cannot be recalled:',
    ...cannotBeRecalled.map((one) => `    ${one}`),
  )
}
