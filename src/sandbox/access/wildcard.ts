/** True when the text fits a pattern in which `*` stands for any characters and `?` for one. Linear in both. */
export function matchesWildcard(pattern: string, text: string): boolean {
  let [p, t] = [0, 0]
  // Where the last star stands and how far it reached: only the last one ever has to take more.
  let [star, reached] = [-1, 0]
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++
      reached = t
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++
      t++
    } else if (star !== -1) {
      p = star + 1
      t = ++reached
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
