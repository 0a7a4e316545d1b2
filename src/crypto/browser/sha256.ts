/** SHA-256 (FIPS 180-4), synchronous, for where WebCrypto is all there is and everything of it is asynchronous. */

const BLOCK_SIZE = 64
const PRIMES = firstPrimes(64)

/** Fractions of cube roots, and of the first eight square roots, of the first primes (§4.2.2, §5.3.3). */
const ROUND_CONSTANTS = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)))
const INITIAL_HASH = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)))

/** The hash, 32 bytes. */
export function sha256(message: Uint8Array): Uint8Array {
  const hash = Uint32Array.from(INITIAL_HASH)
  const padded = pad(message)
  for (let start = 0; start < padded.length; start += BLOCK_SIZE) {
    compress(hash, new DataView(padded.buffer, start, BLOCK_SIZE))
  }
  const bytes = new Uint8Array(32)
  const view = new DataView(bytes.buffer)
  for (const [index, word] of hash.entries()) view.setUint32(4 * index, word)
  return bytes
}

/** A one bit, zeros, and the length in bits as u64 (§5.1.1). */
function pad(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / BLOCK_SIZE) * BLOCK_SIZE)
  padded.set(message)
  padded[message.length] = 0x80
  new DataView(padded.buffer).setBigUint64(padded.length - 8, 8n * BigInt(message.length))
  return padded
}

/** §6.2.2 */
function compress(hash: Uint32Array, block: DataView): void {
  const schedule = messageSchedule(block)
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash
  for (let round = 0; round < 64; round += 1) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const choice = (e & f) ^ (~e & g)
    const t1 = h + s1 + choice + (ROUND_CONSTANTS[round] ?? 0) + (schedule[round] ?? 0)
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + s0 + majority) | 0]
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) hash[index] = (hash[index] ?? 0) + word
}

function messageSchedule(block: DataView): Uint32Array {
  const schedule = new Uint32Array(64)
  const at = (index: number): number => schedule[index] ?? 0
  for (let index = 0; index < 64; index += 1) {
    if (index < 16) {
      schedule[index] = block.getUint32(4 * index)
      continue
    }
    const [before15, before2] = [at(index - 15), at(index - 2)]
    const s0 = rotate(before15, 7) ^ rotate(before15, 18) ^ (before15 >>> 3)
    const s1 = rotate(before2, 17) ^ rotate(before2, 19) ^ (before2 >>> 10)
    schedule[index] = at(index - 16) + s0 + at(index - 7) + s1
  }
  return schedule
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits))
}

/** The first 32 bits behind the binary point. */
function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32)
}

function firstPrimes(count: number): number[] {
  const primes: number[] = []
  for (let candidate = 2; primes.length < count; candidate += 1) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate)
  }
  return primes
}
