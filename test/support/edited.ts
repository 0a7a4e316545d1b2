/**
 * What an edit list keeps, read off the standard and taken literally: discard, keep, discard …; a list that ends with a
 * discard keeps the rest.
 */
export function edited(plaintext: Buffer, editList: readonly number[]): Buffer {
  const pieces: Buffer[] = []
  let position = 0
  for (const [index, length] of editList.entries()) {
    if (index % 2 === 1) pieces.push(plaintext.subarray(position, position + length))
    position += length
  }
  if (editList.length % 2 === 1) pieces.push(plaintext.subarray(position))
  return Buffer.concat(pieces)
}
