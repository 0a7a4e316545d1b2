import { printable } from './printable.ts'
import { count, lines } from './report.ts'

/** What was taken away from projects, as workflows give it. */
export interface ShutOutReport {
  removed: { statements: readonly string[]; bucketGrants: readonly string[]; objects: readonly string[] }
  aborted: readonly { objectKey: string }[]
  unclearUploads: readonly { objectKey: string }[]
  blocked: boolean
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
