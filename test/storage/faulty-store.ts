import { StorageError } from '../../src/storage/errors.ts'
import { failure } from '../../src/storage/failure.ts'
import type { Store } from '../../src/storage/store.ts'
import type { ErrorCode } from '../../src/util/errors.ts'

/** The calls of one operation that were made, with their arguments. */
export type Calls = Partial<Record<keyof Store, unknown[][]>>

/** Replaces some operations of a store and counts the calls of all. */
export function faultyStore(store: Store, faults: Partial<Store>): { store: Store; calls: Calls } {
  const calls: Calls = {}
  const wrapped = new Proxy(store, {
    get(target, name: keyof Store) {
      return (...args: never[]): unknown => {
        const made = (calls[name] ??= [])
        made.push(args)
        const operation = Reflect.get(name in faults ? faults : target, name) as (...args: never[]) => unknown
        return operation.apply(target, args)
      }
    },
  })
  return { store: wrapped, calls }
}

/** A busy store, or whatever else is asked for. */
export function fault(operation: string, code: ErrorCode = 'STORE_FAILURE', retryable = true): StorageError {
  return failure(code, { operation }, undefined, { retryable, status: retryable ? 503 : 403 })
}
