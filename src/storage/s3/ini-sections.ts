/** A section of a configuration file, its option names in lower case. */
export interface IniSection {
  /** Empty for options before the first section. */
  name: string
  options: Readonly<Record<string, string | undefined>>
}

/**
 * Reads the sections of an INI file as rclone and s3cmd write them: `[section]`, `name = value`, comments on lines of
 * their own. Lines that are none of these are skipped, as those programs do. A section that comes twice is one: the
 * later value of an option counts.
 */
export function parseIniSections(text: string): IniSection[] {
  const sections = new Map<string, Map<string, string>>()
  let current = ''
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue
    const header = /^\[([^\]]*)\]/.exec(trimmed)
    if (header !== null) {
      current = (header[1] ?? '').trim()
      if (!sections.has(current)) sections.set(current, new Map())
      continue
    }
    const end = trimmed.search(/[=:]/)
    if (end < 1) continue
    const options = sections.get(current) ?? new Map<string, string>()
    sections.set(current, options)
    options.set(trimmed.slice(0, end).trim().toLowerCase(), trimmed.slice(end + 1).trim())
  }
  return [...sections].map(([name, options]) => ({
    name,
    // Without a prototype: an option named `constructor` is none that was set.
    options: Object.assign(Object.create(null), Object.fromEntries(options)) as IniSection['options'],
  }))
}
