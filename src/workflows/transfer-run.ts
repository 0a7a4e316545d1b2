import { AppError, type ErrorCode } from '../util/errors.ts'
import { forEachPulled } from '../util/pull-pool.ts'

/** A file of a run that did not make it. */
export interface FailedTransfer {
  /** The source path, or the object key. */
  name: string
  code: ErrorCode
  message: string
  hints: readonly string[]
}

/** Files at work at the same time: the parts of one alone may leave the network idle. */
const FILES_AT_ONCE = 4

/** Small files at work at the same time: each is a request, and waits for its answer most of the time. */
export const SMALL_FILES_AT_ONCE = 64

/** Failures named when one of them stands for all. */
const NAMED_FAILURES = 10

/** Failures that every other file of the run would meet as well: no further file is started. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set([
  'BUCKET_NOT_FOUND',
  'INVALID_CREDENTIALS',
  'NO_CREDENTIALS',
  'CLOCK_SKEW',
  'ENDPOINT_UNREACHABLE',
  'DISK_FULL',
])

/** Whether every other file of a run would meet this failure as well. */
export function isHopeless({ code }: AppError): boolean {
  return HOPELESS.has(code)
}

/**
 * Runs the transfers of several files. An expected failure is kept and the others go on, unless they would all
 * meet it; a bug or an interrupt ends the run, after what is in flight was awaited.
 *
 * @param options - `earlier`: failures from before the run, such as unsafe names
 * @throws the first failure, when no file succeeded; the signal's reason; a bug
 */
export async function runTransfers<Item, Done>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  transfer: (item: Item) => Promise<Done>,
  options: {
    signal?: AbortSignal | undefined
    earlier?: readonly FailedFile[] | undefined
    /** Whether a file is moved by a request or two. */
    isSmall?: ((item: Item) => boolean) | undefined
    /** Small files at work at the same time; 64 when absent. */
    smallAtOnce?: number | undefined
  } = {},
): Promise<{ done: Done[]; failed: FailedTransfer[] }> {
  const done: Done[] = []
  const failures: FailedFile[] = [...(options.earlier ?? [])]
  const bugs: unknown[] = []
  let stoppedBy: AppError | undefined

  const one = async (item: Item): Promise<void> => {
    if (bugs.length > 0 || options.signal?.aborted === true) return
    if (stoppedBy !== undefined) {
      failures.push({ name: nameOf(item), error: notTried(stoppedBy) })
      return
    }
    try {
      done.push(await transfer(item))
    } catch (error) {
      if (!(error instanceof AppError)) bugs.push(error)
      else {
        failures.push({ name: nameOf(item), error })
        if (isHopeless(error)) stoppedBy = error
      }
    }
  }
  const { isSmall = () => false, smallAtOnce = SMALL_FILES_AT_ONCE } = options
  const large = chosen(items, (item) => !isSmall(item))
  await Promise.all([
    forEachPulled(large, FILES_AT_ONCE, one),
    forEachPulled(chosen(items, isSmall), smallAtOnce, one),
  ])
  options.signal?.throwIfAborted()
  if (bugs.length > 0) throw bugs[0]
  const [first] = failures
  if (first !== undefined && done.length === 0) throw withOthers(first.error, failures.slice(1))
  return { done, failed: failures.map(failedTransfer) }
}

/** A failure and the file it is about. */
export interface FailedFile {
  name: string
  error: AppError
}

/** One by one: there may be a hundred thousand items. */
function* chosen<Item>(items: readonly Item[], isChosen: (item: Item) => boolean): Iterable<Item> {
  for (const item of items) if (isChosen(item)) yield item
}

/** How a failure is told in a result. */
export function failedTransfer({ name, error }: FailedFile): FailedTransfer {
  return { name, code: error.code, message: error.message, hints: error.hints }
}

/** One failure stands for the run; the others are not hidden. */
function withOthers(first: AppError, others: readonly FailedFile[]): AppError {
  if (others.length === 0) return first
  const named = others.slice(0, NAMED_FAILURES).map(({ name, error }) => `${name} (${error.code})`)
  const more = others.length > NAMED_FAILURES ? ` and ${others.length - NAMED_FAILURES} more` : ''
  return new AppError(first.code, first.message, {
    cause: first,
    hints: [...first.hints, `nothing else succeeded either: ${named.join(', ')}${more}`],
  })
}

function notTried(reason: AppError): AppError {
  return new AppError(reason.code, `not tried, because the run could not go on (${reason.message})`)
}
