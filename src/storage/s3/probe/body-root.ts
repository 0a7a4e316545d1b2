/** Characters in which the first element of an answer must begin. */
const START_LIMIT = 4096

/** Name of the outermost element of an XML document without its prefix, `{` for JSON; undefined for anything else. */
export function bodyRoot(body: Uint8Array): string | undefined {
  let rest = new TextDecoder().decode(body.subarray(0, START_LIMIT)).trimStart()
  if (rest.startsWith('{')) return '{'
  // The declaration, comments and processing instructions may come first.
  for (;;) {
    const before = /^<(?:\?[^>]*\?|!--[^]*?--|!DOCTYPE[^>]*)>\s*/i.exec(rest)
    if (before === null) break
    rest = rest.slice(before[0].length)
  }
  return /^<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)[\s/>]/.exec(rest)?.[1]
}
