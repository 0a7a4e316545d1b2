/** Damage to bytes and to texts: what a bad disk, a bad program or an attacker would do to them. */
import { concatBytes } from '../../src/util/bytes.ts'
import type { Random } from './random.ts'

type Mutation = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => changed(bytes, random, (copy, at) => (copy[at]! ^= 1 << random.below(8))),
  (bytes, random) => changed(bytes, random, (copy, at) => (copy[at] = random.pick([0, 1, 0x7f, 0x80, 0xff]))),
  (bytes, random) => changed(bytes, random, (copy, at) => (copy[at] = random.word() & 0xff)),
  overwriteNumber,
  overwriteNumber,
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  (bytes, random) => concatBytes([bytes, random.bytes(random.size(100))]),
  (bytes, random) => spliced(bytes, random, random.bytes(random.size(40))),
  (bytes, random) => spliced(bytes, random, piece(bytes, random)),
  (bytes, random, others) => spliced(bytes, random, piece(random.pick(others), random)),
  (bytes, random, others) => {
    const other = random.pick(others)
    return concatBytes([
      bytes.slice(0, random.below(bytes.length + 1)),
      other.slice(random.below(other.length + 1)),
    ])
  },
]

/** One to four mutations, one after the other; `others` are what pieces are borrowed from. */
export function mutated(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  let result = bytes
  for (let count = 1 + random.size(4); count > 0; count -= 1) {
    result = random.pick(MUTATIONS)(result, random, others)
  }
  return result
}

type LineMutation = (lines: string[], random: Random) => string[]

const LINE_MUTATIONS: readonly LineMutation[] = [
  (lines, random) => lines.filter((_, index) => index !== random.below(lines.length + 1)),
  (lines, random) => lines.flatMap((line) => (random.chance(4) ? [line, line] : [line])),
  (lines, random) => lines.map((line) => (random.chance(3) ? cutLine(line, random) : line)),
  (lines, random) =>
    lines.map((line) =>
      random.chance(4) ? `${random.pick(['#', ' ', '\t', '\ufeff', '-----'])}${line}` : line,
    ),
  (lines, random) =>
    lines.map((line) =>
      random.chance(4) ? `${line}${random.pick(['\r', ' ', '=', '-----', '\u0000', 'é'])}` : line,
    ),
  (lines, random) =>
    lines.map((line) =>
      random.chance(3)
        ? line.replace(/PUBLIC|PRIVATE|BEGIN|END/, random.pick(['PUBLIC', 'PRIVATE', 'BEGIN', 'END', '']))
        : line,
    ),
  (lines, random) => [...lines.slice(random.below(lines.length + 1)), ...lines],
]

/** Mutations of a text by its lines, joined again in one of the ways lines end. */
export function mutatedText(text: string, random: Random): string {
  let lines = text.split('\n')
  for (let count = 1 + random.size(4); count > 0; count -= 1)
    lines = random.pick(LINE_MUTATIONS)(lines, random)
  return lines.join(random.pick(['\n', '\n', '\r\n', '\r', '']))
}

function cutLine(line: string, random: Random): string {
  const at = random.below(line.length + 1)
  return random.chance(2) ? line.slice(at) : `${line.slice(0, at)}\n${line.slice(at)}`
}

function changed(
  bytes: Uint8Array,
  random: Random,
  change: (copy: Uint8Array, at: number) => void,
): Uint8Array {
  const copy = bytes.slice()
  if (copy.length > 0) change(copy, random.below(copy.length))
  return copy
}

/** A length or count of 2, 4 or 8 bytes, of either endianness, at any place: near the front most often. */
function overwriteNumber(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice()
  const width = random.pick([2, 4, 4, 8])
  if (copy.length < width) return copy
  const at = random.size(copy.length - width + 1)
  const littleEndian = random.chance(2)
  const view = new DataView(copy.buffer)
  const value = random.u64()
  if (width === 8) view.setBigUint64(at, value, littleEndian)
  else if (width === 4) view.setUint32(at, Number(BigInt.asUintN(32, value)), littleEndian)
  else view.setUint16(at, Number(BigInt.asUintN(16, value)), littleEndian)
  return copy
}

/** `insert` put in place of some bytes, or between two. */
function spliced(bytes: Uint8Array, random: Random, insert: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1)
  const removed = random.chance(2) ? 0 : random.size(60)
  return concatBytes([bytes.slice(0, at), insert, bytes.slice(at + removed)])
}

function piece(bytes: Uint8Array, random: Random): Uint8Array {
  const start = random.below(bytes.length + 1)
  return bytes.slice(start, start + random.size(80))
}
