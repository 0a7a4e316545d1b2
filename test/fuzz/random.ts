/** A small generator with a seed (splitmix32 and xoshiro128**): the same seed and number, the same input, on any machine. */
export class Random {
  readonly #state: Uint32Array

  constructor(...seeds: number[]) {
    let mixed = 0x9e3779b9
    const next = (): number => {
      mixed = (mixed + 0x9e3779b9) >>> 0
      let word = mixed ^ (mixed >>> 16)
      word = Math.imul(word, 0x21f0aaad)
      word ^= word >>> 15
      word = Math.imul(word, 0x735a2d97)
      return (word ^ (word >>> 15)) >>> 0
    }
    for (const seed of seeds) mixed = (next() ^ Math.imul(seed, 0x85ebca6b)) >>> 0
    this.#state = Uint32Array.from({ length: 4 }, next)
  }

  /** 32 random bits. */
  word(): number {
    const state = this.#state
    const [first = 0, second = 0, third = 0, fourth = 0] = state
    const result = Math.imul(rotate(Math.imul(second, 5), 7), 9) >>> 0
    state[2] = third ^ first
    state[3] = fourth ^ second
    state[1] = second ^ third ^ first
    state[0] = first ^ fourth ^ second
    state[2] = third ^ first ^ (second << 9)
    state[3] = rotate(fourth ^ second, 11)
    return result
  }

  /** From 0 up to, not including, `limit`. */
  below(limit: number): number {
    return this.word() % limit
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.word() & 0xff)
  }

  /** A length of which small ones are likely. */
  size(limit: number): number {
    return this.below(this.below(limit) + 1)
  }

  /** Numbers where parsers go wrong, and others. */
  u64(): bigint {
    return this.chance(3) ? this.pick(EDGES) : BigInt(this.word()) >> BigInt(this.below(32))
  }
}

const POWERS = [0, 7, 8, 15, 16, 20, 24, 31, 32, 52, 53, 63, 64].map((bits) => 2n ** BigInt(bits))
const EDGES: readonly bigint[] = [0n, 28n, 40n, 65_536n, 65_564n, 131_072n]
  .concat(POWERS)
  .flatMap((edge) => [edge - 1n, edge, edge + 1n])
  .map((edge) => BigInt.asUintN(64, edge))

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
