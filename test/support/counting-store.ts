import type { ByteRange, GetObjectOptions } from '../../src/storage/object-store.ts'
import type { Store } from '../../src/storage/store.ts'

/** A GetObject as it was asked for. */
interface Fetched {
  objectKey: string
  range: ByteRange | undefined
}

/** A store that writes down what is read from it. */
export interface CountingStore {
  store: Store
  heads: string[]
  gets: Fetched[]
  /** Called before each GetObject; what it throws is what the store answers with. */
  beforeGet: (fetched: Fetched) => void | Promise<void>
  forget(): void
}

export function countingStore(inner: Store): CountingStore {
  const counting: CountingStore = {
    heads: [],
    gets: [],
    beforeGet: () => undefined,
    forget() {
      counting.heads = []
      counting.gets = []
      counting.beforeGet = () => undefined
    },
    store: new Proxy(inner, {
      get(target, property, receiver) {
        if (property === 'headObject') {
          return (...args: Parameters<Store['headObject']>) => {
            counting.heads.push(args[1])
            return target.headObject(...args)
          }
        }
        if (property === 'getObject') {
          return async (bucket: string, objectKey: string, options?: GetObjectOptions) => {
            const fetched = { objectKey, range: options?.range }
            counting.gets.push(fetched)
            options?.signal?.throwIfAborted()
            await counting.beforeGet(fetched)
            return target.getObject(bucket, objectKey, options)
          }
        }
        const value: unknown = Reflect.get(target, property, receiver)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    }),
  }
  return counting
}
