/** scrypt (RFC 7914), which neither WebCrypto nor libsodium-wrappers has. */
import type { ScryptCost } from '../primitives.ts'

/** PBKDF2-HMAC-SHA-256 as the caller has it. */
export type Pbkdf2 = (
  passphrase: Uint8Array,
  salt: Uint8Array,
  rounds: number,
  length: number,
) => Promise<Uint8Array>

/** Words of a Salsa20 block: 64 bytes. */
const BLOCK_WORDS = 16

/** Columns, then rows (RFC 7914 §3); each step adds two words and rotates the sum into a third. */
const QUARTERS: readonly (readonly [number, number, number, number])[] = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
]

/** Derives `length` bytes. Takes 128·N·r bytes of memory, and some tenths of a second for the cost of key files. */
export async function scrypt(
  pbkdf2: Pbkdf2,
  passphrase: Uint8Array,
  salt: Uint8Array,
  length: number,
  { N, r, p }: ScryptCost,
): Promise<Uint8Array> {
  const mixed = Uint8Array.from(await pbkdf2(passphrase, salt, 1, p * 128 * r))
  for (let lane = 0; lane < p; lane += 1) {
    const view = new DataView(mixed.buffer, lane * 128 * r, 128 * r)
    const words = Uint32Array.from({ length: 32 * r }, (_, index) => view.getUint32(4 * index, true))
    romix(words, N, r)
    for (const [index, word] of words.entries()) view.setUint32(4 * index, word, true)
  }
  return pbkdf2(passphrase, mixed, 1, length)
}

/** scryptROMix (§5), in place. N is a power of two. */
function romix(words: Uint32Array, N: number, r: number): void {
  const size = words.length
  const memory = new Uint32Array(N * size)
  for (let index = 0; index < N; index += 1) {
    memory.set(words, index * size)
    blockMix(words, r)
  }
  for (let round = 0; round < N; round += 1) {
    const chosen = (words[size - BLOCK_WORDS] ?? 0) & (N - 1)
    xorInto(words, memory.subarray(chosen * size, (chosen + 1) * size))
    blockMix(words, r)
  }
  memory.fill(0)
}

/** scryptBlockMix (§4), in place: even blocks first, then the odd ones. */
function blockMix(words: Uint32Array, r: number): void {
  const mixed = new Uint32Array(words.length)
  const block = words.slice(-BLOCK_WORDS)
  for (let index = 0; index < 2 * r; index += 1) {
    xorInto(block, words.subarray(index * BLOCK_WORDS, (index + 1) * BLOCK_WORDS))
    salsa8(block)
    mixed.set(block, (index % 2 === 0 ? index / 2 : r + (index - 1) / 2) * BLOCK_WORDS)
  }
  words.set(mixed)
}

/** Salsa20/8 (§3), in place. */
function salsa8(block: Uint32Array): void {
  const state = block.slice()
  for (let doubleRound = 0; doubleRound < 4; doubleRound += 1) {
    for (const [a, b, c, d] of QUARTERS) {
      step(state, b, a, d, 7)
      step(state, c, b, a, 9)
      step(state, d, c, b, 13)
      step(state, a, d, c, 18)
    }
  }
  for (let index = 0; index < BLOCK_WORDS; index += 1) {
    block[index] = (block[index] ?? 0) + (state[index] ?? 0)
  }
}

function step(state: Uint32Array, target: number, first: number, second: number, bits: number): void {
  const sum = ((state[first] ?? 0) + (state[second] ?? 0)) | 0
  state[target] = (state[target] ?? 0) ^ ((sum << bits) | (sum >>> (32 - bits)))
}

function xorInto(target: Uint32Array, other: Uint32Array): void {
  for (let index = 0; index < target.length; index += 1) {
    target[index] = (target[index] ?? 0) ^ (other[index] ?? 0)
  }
}
