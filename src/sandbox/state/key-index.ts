/** Object keys in the order S3 lists them: by their UTF-8 bytes. Sorted when asked, not with every put. */
export class KeyIndex {
  readonly #known = new Set<string>()
  #sorted: string[] = []
  #stale = false

  add(objectKey: string): void {
    if (this.#known.has(objectKey)) return
    this.#known.add(objectKey)
    this.#stale = true
  }

  remove(objectKey: string): void {
    if (this.#known.delete(objectKey)) this.#stale = true
  }

  /** Keys that begin with `prefix`, those behind `after` where it is given. */
  *range(prefix: string, after?: string): Generator<string> {
    if (this.#stale) {
      this.#sorted = [...this.#known].sort(compareUtf8)
      this.#stale = false
    }
    const keys = this.#sorted
    const start =
      after !== undefined && compareUtf8(after, prefix) >= 0
        ? firstAfter(keys, after)
        : firstFrom(keys, prefix)
    for (let index = start; index < keys.length; index++) {
      const objectKey = keys[index]
      if (objectKey?.startsWith(prefix) !== true) return
      yield objectKey
    }
  }
}

/** Orders text by its UTF-8 bytes, which is by code point; JavaScript's own order is by UTF-16 unit. */
export function compareUtf8(left: string, right: string): number {
  const end = Math.min(left.length, right.length)
  for (let index = 0; index < end; index++) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)]
    if (a !== b) return byCodePoint(a) - byCodePoint(b)
  }
  return left.length - right.length
}

/** Surrogates (U+10000 and above) come after the rest of the basic plane, U+E000 to U+FFFF. */
function byCodePoint(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

function firstFrom(sorted: readonly string[], bound: string): number {
  return search(sorted, (objectKey) => compareUtf8(objectKey, bound) >= 0)
}

function firstAfter(sorted: readonly string[], bound: string): number {
  return search(sorted, (objectKey) => compareUtf8(objectKey, bound) > 0)
}

/** Index of the first key for which `reached` holds; it holds for all behind it. */
function search(sorted: readonly string[], reached: (objectKey: string) => boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (reached(sorted[middle] ?? '')) high = middle
    else low = middle + 1
  }
  return low
}
