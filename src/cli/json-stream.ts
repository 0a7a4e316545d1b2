import { printableJson } from './printable.ts'
import { writeOut } from './write-out.ts'

/** Characters that are gathered before they are written. */
const PIECE = 64 * 1024

/**
 * The text of a --json document whose array is too long to be held, in pieces: the same text that printableJson gives for
 * `{ ...before, [field]: [...items], ...after() }`. Nothing is given before there is much to give, or the end.
 *
 * @param after - called when all items were given; must have a field
 */
export async function* jsonPieces(
  before: object,
  field: string,
  items: AsyncIterable<unknown>,
  after: () => object,
): AsyncGenerator<string, void, undefined> {
  let text = `${printableJson(before).slice(0, -2)},\n  ${printableJson(field)}: [`
  let any = false
  for await (const item of items) {
    text += `${any ? ',' : ''}\n    ${printableJson(item).replaceAll('\n', '\n    ')}`
    any = true
    if (text.length < PIECE) continue
    yield text
    text = ''
  }
  yield `${text}${any ? '\n  ' : ''}],\n${printableJson(after()).slice(2)}\n`
}

/** Whether a part of the document went to stdout already, so that a failure can't be told there any more. */
let begun = false

/** True when stdout holds the beginning of a --json document. */
export function jsonBegun(): boolean {
  return begun
}

/** Writes a --json document to stdout as it comes, no faster than its reader takes it. Throws as writeOut. */
export async function writeJson(pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) {
    begun = true
    await writeOut(piece)
  }
}
