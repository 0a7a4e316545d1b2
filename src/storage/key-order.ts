/** S3 lists by the bytes of the UTF-8 form, which is not JavaScript's order of strings. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
