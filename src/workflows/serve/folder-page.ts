/** A listing as a page or as JSON; pure. Names are anybody's: they are escaped and never become markup or another address. */
import { formatByteSize } from '../../util/byte-size.ts'
import { escapeUnprintable } from '../../util/printable-json.ts'
import type { FolderListing } from './folder-listing.ts'

/** The page asks for nothing and runs nothing. */
export const PAGE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function folderJson(place: string, path: string, { entries, truncated }: FolderListing): string {
  return `${escapeUnprintable(JSON.stringify({ place, path, entries, truncated }))}\n`
}

export function folderPage(place: string, path: string, { entries, truncated }: FolderListing): string {
  const title = escaped(place + path)
  const rows = entries.map(
    ({ name, storedSize, lastModified }) =>
      `<tr><td><a href="${addressOf(name)}"><bdi>${escaped(name)}</bdi></a></td>` +
      `<td>${storedSize === undefined ? '' : formatByteSize(storedSize)}</td>` +
      `<td>${lastModified?.toISOString().slice(0, 19) ?? ''}</td></tr>`,
  )
  const parent = path === '' ? [] : ['<p><a href="../">..</a></p>']
  const more = truncated ? ['<p>There is more than this page shows.</p>'] : []
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<title>${title}</title></head><body>`,
    `<h1><bdi>${title}</bdi></h1>`,
    ...parent,
    '<table><tr><th>name</th><th>stored</th><th>uploaded (UTC)</th></tr>',
    ...rows,
    '</table>',
    ...more,
    '</body></html>\n',
  ].join('\n')
}

/** Relative to the folder. The dot keeps a name with a colon from being taken for a scheme. */
function addressOf(name: string): string {
  const [, text = '', slash = ''] = /^(.*?)(\/?)$/s.exec(name) ?? []
  return escaped(`./${encoded(text)}${slash}`)
}

/** Percent-encoded; what is no proper Unicode can't be an address. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
