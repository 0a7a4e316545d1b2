/**
 * ChaCha20 by itself (RFC 8439 §2.4), which libsodium-wrappers doesn't offer. For the 150 bytes of an OpenSSH key
 * file only: readable, not fast.
 */
const BLOCK_SIZE = 64

/** "expand 32-byte k", little-endian (RFC 8439 §2.3). */
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const

/** Columns, then diagonals (RFC 8439 §2.3). */
const QUARTERS: readonly (readonly [number, number, number, number])[] = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
]

/** Encrypts or decrypts with a 32-byte key and nonce 0, from block `counter` on. */
export function chacha20(key: Uint8Array, counter: number, bytes: Uint8Array): Uint8Array {
  const keyView = new DataView(key.buffer, key.byteOffset, 32)
  const keyWords = Array.from({ length: 8 }, (_, index) => keyView.getUint32(4 * index, true))
  const blocks = Array.from({ length: Math.ceil(bytes.length / BLOCK_SIZE) }, (_, index) =>
    keyStreamBlock(Uint32Array.of(...CONSTANTS, ...keyWords, counter + index, 0, 0, 0)),
  )
  return bytes.map(
    (byte, index) => byte ^ (blocks[Math.floor(index / BLOCK_SIZE)]?.[index % BLOCK_SIZE] ?? 0),
  )
}

function keyStreamBlock(initial: Uint32Array): Uint8Array {
  const state = Uint32Array.from(initial)
  for (let doubleRound = 0; doubleRound < 10; doubleRound += 1) {
    for (const quarter of QUARTERS) quarterRound(state, ...quarter)
  }
  const block = new Uint8Array(BLOCK_SIZE)
  const view = new DataView(block.buffer)
  for (const [index, word] of state.entries()) {
    view.setUint32(4 * index, (word + (initial[index] ?? 0)) >>> 0, true)
  }
  return block
}

function quarterRound(state: Uint32Array, a: number, b: number, c: number, d: number): void {
  step(state, a, b, d, 16)
  step(state, c, d, b, 12)
  step(state, a, b, d, 8)
  step(state, c, d, b, 7)
}

/** Adds y to x, then x into z by xor, and rotates that to the left. */
function step(state: Uint32Array, x: number, y: number, z: number, bits: number): void {
  const sum = ((state[x] ?? 0) + (state[y] ?? 0)) >>> 0
  const mixed = (state[z] ?? 0) ^ sum
  state[x] = sum
  state[z] = (mixed << bits) | (mixed >>> (32 - bits))
}
