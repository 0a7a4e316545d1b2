/**
 * Lets what is on the way arrive after an abort, for a while.
 *
 * @param grace - milliseconds from the abort of `signal` to that of `later`
 * @returns ends the watch; to be called when the work is done
 */
export function abortLater(
  signal: AbortSignal | undefined,
  later: AbortController,
  grace: number,
): () => void {
  if (signal === undefined) return () => undefined
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => {
    later.abort(signal.reason)
  }
  const stopSoon = (): void => {
    if (grace === 0) stop()
    else timer = setTimeout(stop, grace)
  }
  if (signal.aborted) stopSoon()
  else signal.addEventListener('abort', stopSoon, { once: true })
  return () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', stopSoon)
  }
}
