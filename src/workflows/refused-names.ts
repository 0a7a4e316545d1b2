import { AppError } from '../util/errors.ts'

/** Names told in one error; the others are counted. */
const NAMED = 20

/** Collects the names that can't be taken, so that a person can mend all of them at once. */
export class RefusedNames {
  readonly #why: string
  readonly #hints: readonly string[]
  readonly #names: string[] = []
  #count = 0

  /** @param why - completes "N …", such as `names are not UTF-8` */
  constructor(why: string, hints: readonly string[]) {
    this.#why = why
    this.#hints = hints
  }

  add(name: string): void {
    this.#count += 1
    if (this.#names.length < NAMED) this.#names.push(name)
  }

  /** @throws AppError USAGE with all names, when there is any */
  throwIfAny(): void {
    if (this.#count === 0) return
    const more = this.#count > NAMED ? ` and ${this.#count - NAMED} more` : ''
    throw new AppError('USAGE', `${this.#count} ${this.#why}: ${this.#names.join(', ')}${more}`, {
      hints: this.#hints,
    })
  }
}

/** The bytes of a name with everything but printable ASCII escaped: `caf\xe9.txt`. */
export function escapedName(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x5c
      ? `\\x${byte.toString(16).padStart(2, '0')}`
      : String.fromCharCode(byte),
  ).join('')
}
