/**
 * Names tell what browsers should do with content; whatever is not known is bytes. Documents that can ask for something
 * (HTML, SVG, XML with a style sheet) are shown as text: their author is anybody who has the reader's public key, and
 * a policy within them could send the address along with what they ask for.
 */
const TEXT = 'text/plain; charset=utf-8'

const TYPES: ReadonlyMap<string, string> = new Map([
  ...['txt', 'log', 'md', 'tsv', 'csv', 'bed', 'bedgraph', 'gff', 'gff3', 'gtf', 'vcf', 'sam'].map(text),
  ...['fa', 'fasta', 'fai', 'fastq', 'fq', 'dict', 'maf', 'seg', 'wig', 'yaml', 'yml', 'sha256'].map(text),
  ...['html', 'htm', 'xhtml', 'svg', 'xml', 'xsl'].map(text),
  ['json', 'application/json'],
  ['pdf', 'application/pdf'],
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gz', 'application/gzip'],
  ['bgz', 'application/gzip'],
  ['zip', 'application/zip'],
])

/** The media type of a file by its name's ending; `application/octet-stream` for all others. */
export function contentTypeOf(path: string): string {
  const ending = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase()
  return TYPES.get(ending ?? '') ?? 'application/octet-stream'
}

function text(ending: string): [string, string] {
  return [ending, TEXT]
}
