import { printable } from './printable.ts'
import { count, lines, table } from './report.ts'

/** What `access verify` gives. */
export interface VerifiedAccess {
  bucket: string
  callers: readonly { name: string; as: string; identity?: string; has: string }[]
  answers: readonly {
    caller: string
    operation: string
    place: string
    expected: string
    seen: string
    deviates: boolean
  }[]
  deviations: number
  unclear: number
  untried: readonly string[]
  leftovers: readonly string[]
}

/** Who was asked as, and a line for each operation with a column for each caller: what was seen, where it differs what was expected. */
export function verifyText(verified: VerifiedAccess): string {
  const { bucket, callers, answers, deviations, unclear, untried, leftovers } = verified
  const rows = [...new Set(answers.map(rowOf))]
  const cells = new Map(answers.map((answer) => [`${answer.caller}\n${rowOf(answer)}`, cellOf(answer)]))
  return lines(
    printable(
      `s3://${bucket}: ${count(answers.length, 'answer')}, ${deviations === 0 ? 'each as was granted' : `${String(deviations)} not as was granted`}`,
    ),
    table(callers.map(({ name, as, identity = '-', has }) => [`  ${name}`, as, identity, has])),
    '',
    table([
      ['', ...callers.map(({ name }) => name)],
      ...rows.map((row) => [row, ...callers.map(({ name }) => cells.get(`${name}\n${row}`) ?? '-')]),
    ]),
    unclear === 0 ? undefined : `? ${count(unclear, 'answer')} of which the grants do not tell`,
    ...untried.map((prefix) => `nothing was tried below ${printable(prefix)}`),
    ...leftovers.map((one) => `a probe was left behind: ${printable(one)}`),
  )
}

function rowOf({ operation, place }: { operation: string; place: string }): string {
  return place === '' ? operation : `${operation} below ${place}`
}

function cellOf({ expected, seen, deviates }: VerifiedAccess['answers'][number]): string {
  const word = seen === 'allowed' ? 'yes' : seen === 'denied' ? 'no' : seen
  if (deviates) return `${word} (expected ${expected === 'allowed' ? 'yes' : 'no'})`
  return expected === 'unclear' ? `${word} ?` : word
}
