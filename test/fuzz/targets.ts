/** What is fuzzed: each target makes an input from random numbers and gives it to a parser, with what must hold afterwards. */
import { decryptStream } from '../../src/crypto/crypt4gh/crypt4gh.ts'
import { editedSize, keptRanges, rangesWithin, storedRanges } from '../../src/crypto/crypt4gh/edit-list.ts'
import { examineHeader } from '../../src/crypto/crypt4gh/examine-header.ts'
import {
  parsePayload,
  serializeDataKey,
  serializeEditList,
} from '../../src/crypto/crypt4gh/header-payload.ts'
import { headerPacket, parseHeader, readHeader, serializeHeader } from '../../src/crypto/crypt4gh/header.ts'
import type { HeaderPacket } from '../../src/crypto/crypt4gh/header.ts'
import { openHeader } from '../../src/crypto/crypt4gh/open-header.ts'
import { openReader } from '../../src/crypto/crypt4gh/reader.ts'
import { recognize } from '../../src/crypto/crypt4gh/recognize.ts'
import { decryptSection, opensshCipher } from '../../src/crypto/keys/openssh-cipher.ts'
import { serializePem } from '../../src/crypto/keys/key-text.ts'
import { parsePublicKeys } from '../../src/crypto/keys/public-key-file.ts'
import { parseSecretKey } from '../../src/crypto/keys/secret-key-file.ts'
import { AppError } from '../../src/util/errors.ts'
import { concatBytes } from '../../src/util/bytes.ts'
import type { Corpus } from './corpus.ts'
import { mutated, mutatedText } from './mutate.ts'
import type { Random } from './random.ts'

export interface Target {
  input: (corpus: Corpus, random: Random) => Uint8Array
  /** Throws an AppError for what is refused. Whatever else it throws is a finding. */
  run: (input: Uint8Array, corpus: Corpus, random: Random) => Promise<void>
}

/** Stands for the prompt: what is behind a passphrase is fuzzed without deriving keys, which takes its time by design. */
const NO_PASSPHRASE = new AppError('PASSPHRASE_NEEDED', 'no passphrase while fuzzing')
const MIB = 1_048_576

export const TARGETS: Readonly<Record<string, Target>> = {
  header: {
    input: ({ headers, packets, packetOf }, random) => {
      if (random.chance(3)) return mutated(random.pick(headers), random, headers)
      const chosen = Array.from({ length: random.size(8) }, () => anyPacket(random, packets, packetOf))
      const bytes = serializeHeader(chosen)
      if (random.chance(2))
        new DataView(bytes.buffer).setUint32(12, Number(BigInt.asUintN(32, random.u64())), true)
      return random.chance(2) ? bytes : mutated(bytes, random, headers)
    },
    run: async (input, { reader }, random) => {
      recognize(input, input.length + random.below(100_000), 'file.c4gh')
      const whole = tryParse(input)
      const { header, bytes } = await readHeader(chunksOf(input, random))
      require(Buffer.compare(serializeHeader(header.packets), bytes) ===
        0, 'a header serializes to its own bytes')
      require(whole?.length === header.length, 'a stream gives the header that the bytes give')
      await examineHeader(header, [reader], [reader.publicKey])
      const opened = await openHeader(header, [reader])
      require(opened.dataKeys.every(({ length }) => length === 32), 'data keys have 32 bytes')
      requireEditList(opened.editList ?? [], random)
    },
  },
  payload: {
    input: (_, random) => {
      const editList = Array.from({ length: random.size(40) }, () => random.u64())
      const plain = random.chance(3) ? serializeDataKey(random.bytes(32)) : serializeEditList(editList)
      return random.chance(4) ? plain : mutated(plain, random, [plain])
    },
    run: async (input, _, random) => {
      const contents = parsePayload(input)
      if ('editList' in contents) requireEditList(contents.editList, random)
      else require(contents.dataKey.length === 32, 'a data key has 32 bytes')
    },
  },
  file: {
    input: (corpus, random) =>
      random.chance(2)
        ? mutated(random.pick(corpus.files), random, corpus.files)
        : editedFile(corpus, random),
    run: async (input, { reader }, random) => {
      const streamed = await outcomeOf(async () => {
        const parts: Uint8Array[] = []
        for await (const part of decryptStream(chunksOf(input, random), [reader]))
          parts.push(Uint8Array.from(part))
        return concatBytes(parts)
      })
      const byRange = await outcomeOf(async () => {
        const readAt = async (offset: number, length: number): Promise<Uint8Array> =>
          input.slice(offset, offset + length)
        const source = await openReader({ size: input.length, readAt }, [reader])
        require(source.size <= input.length, 'a plaintext is no longer than its file')
        const offset = random.below(source.size + 1)
        const [end, start] = [
          await source.readAt(offset, source.size - offset),
          await source.readAt(0, offset),
        ]
        return concatBytes([start, end])
      })
      if (streamed instanceof AppError) throw streamed
      // A tail that is no segment is seen at once by size, and by a stream only where its edit list goes that far.
      if (byRange instanceof AppError) throw byRange
      require(Buffer.compare(streamed, byRange) === 0, 'ranges give what the stream gives')
    },
  },
  secretKey: {
    input: ({ keyTexts, keyBytes }, random) =>
      random.chance(3)
        ? text(mutatedText(random.pick(keyTexts), random))
        : armoured(mutated(random.pick(keyBytes), random, keyBytes), random),
    run: async (input) => {
      const { keyPair } = await parseSecretKey(input, 'fuzzed', () => Promise.reject(NO_PASSPHRASE))
      require(keyPair.secretKey.length === 32 && keyPair.publicKey.length === 32, 'keys have 32 bytes')
    },
  },
  publicKeys: {
    input: ({ keyTexts, publicTexts, keyBytes }, random) => {
      if (random.chance(3)) return armoured(mutated(random.pick(keyBytes), random, keyBytes), random)
      const list = Array.from({ length: 1 + random.size(5) }, () =>
        random.pick(random.chance(5) ? keyTexts : publicTexts),
      )
      const whole = list.join(random.pick(['', '\n', '\n# comment\n']))
      return random.chance(2) ? text(mutatedText(whole, random)) : mutated(text(whole), random, [text(whole)])
    },
    run: async (input) => {
      const keys = await parsePublicKeys(input, 'fuzzed')
      require(keys.length > 0, 'a file that is read has a key')
      require(keys.every(({ publicKey }) => publicKey.length === 32), 'keys have 32 bytes')
    },
  },
  opensshSection: {
    input: (_, random) => random.bytes(random.chance(3) ? random.size(300) : 16 * random.size(20)),
    run: async (input, _, random) => {
      const name = random.pick([
        'aes256-ctr',
        'aes192-cbc',
        'aes128-gcm@openssh.com',
        '3des-cbc',
        'chacha20-poly1305@openssh.com',
        'none',
      ])
      const cipher = opensshCipher(name)
      const derived = random.bytes(cipher.keySize + cipher.ivSize)
      await decryptSection(cipher, derived, input, random.bytes(random.pick([0, 15, 16])))
    },
  },
  junk: {
    input: (_, random) => {
      const start = random.pick([
        '',
        'crypt4gh\x01\0\0\0',
        '-----BEGIN ',
        'c4gh-v1',
        'openssh-key-v1\0',
        'ssh-ed25519 ',
      ])
      const bytes = concatBytes([text(start), random.bytes(random.size(300))])
      return random.chance(3) ? armoured(bytes, random) : bytes
    },
    run: async (input, corpus, random) => {
      for (const target of ['header', 'payload', 'file', 'secretKey', 'publicKeys']) {
        await outcomeOf(() => TARGETS[target]!.run(input, corpus, random))
      }
    },
  },
}

/** A file that may well be whole, under an edit list of its own, with packets in any order and a body that may be cut. */
function editedFile({ parts, packetOf }: Corpus, random: Random): Uint8Array {
  const { packets, body } = random.pick(parts)
  const lengths = Array.from({ length: random.size(9) }, () =>
    random.chance(4) ? random.u64() : BigInt(random.size(70_000)),
  )
  const editList = packetOf(serializeEditList(lengths), random.bytes(12))
  const header = random.chance(2) ? [editList, ...packets] : [...packets, editList]
  const end = random.chance(3) ? random.below(body.length + 1) : body.length
  return concatBytes([serializeHeader(random.chance(5) ? packets : header), body.slice(0, end)])
}

/** A packet of a vector, or one whose payload is odd but sealed for the reader, so that it opens. */
function anyPacket(
  random: Random,
  packets: readonly HeaderPacket[],
  packetOf: Corpus['packetOf'],
): HeaderPacket {
  if (random.chance(3)) return random.pick(packets)
  if (random.chance(6)) return headerPacket(random.size(4), random.bytes(random.size(150)))
  const payload = TARGETS['payload']!.input({} as Corpus, random)
  return packetOf(payload, random.bytes(12))
}

/** The rules of edit lists, whatever the list: ranges ascend, hold something, lie within the file, and add up. */
function requireEditList(editList: readonly bigint[], random: Random): void {
  const ranges = keptRanges(editList)
  let before = -1
  for (const { start, end } of ranges) {
    require(start > before && end > start, 'kept ranges ascend and hold something')
    before = end
  }
  const storedSize = random.below(10 * MIB)
  const size = editedSize(storedSize, editList)
  require(size <= storedSize, 'an edit list adds nothing')
  const within = rangesWithin(ranges, 0, storedSize)
  const sum = within.reduce((total, { start, end }) => total + end - start, 0)
  require(sum === size, 'the kept ranges add up to the edited size')
  const start = random.below(size + 1)
  const wanted = storedRanges(within, start, size).reduce(
    (total, range) => total + range.end - range.start,
    0,
  )
  require(wanted === size - start, 'a range of the edited file has as many stored bytes')
}

function tryParse(input: Uint8Array): { length: number } | undefined {
  try {
    const header = parseHeader(input)
    require('packets' in header || header.needed > input.length, 'more is asked for than is there')
    return 'packets' in header ? header : undefined
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}

async function outcomeOf<T>(attempt: () => Promise<T>): Promise<T | AppError> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

async function* chunksOf(input: Uint8Array, random: Random): AsyncGenerator<Uint8Array> {
  const step = random.pick([1 + random.below(50), 1000, 65_564, Infinity])
  const size = input.length > 5000 ? Math.max(step, 500) : step
  for (let start = 0; start < input.length; start += size) yield input.subarray(start, start + size)
}

function armoured(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.chance(8)) return bytes
  const label = random.pick([
    'CRYPT4GH PRIVATE KEY',
    'CRYPT4GH PUBLIC KEY',
    'OPENSSH PRIVATE KEY',
    'PUBLIC KEY',
    '',
  ])
  const pem = serializePem(label, bytes)
  return text(random.chance(10) ? `ssh-ed25519 ${pem.split('\n')[1] ?? ''} comment` : pem)
}

function text(content: string): Uint8Array {
  return Uint8Array.from(Buffer.from(content, 'latin1'))
}

/** A broken rule is no AppError: it shows as a finding. */
function require(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new Error(`broken rule: ${rule}`)
}
