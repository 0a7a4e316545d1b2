/** Names tell what browsers should do with content; whatever is not known is bytes. */
const TEXT = 'text/plain; charset=utf-8'

const TYPES: ReadonlyMap<string, string> = new Map([
  ...['txt', 'log', 'md', 'tsv', 'csv', 'bed', 'bedgraph', 'gff', 'gff3', 'gtf', 'vcf', 'sam'].map(text),
  ...['fa', 'fasta', 'fai', 'fastq', 'fq', 'dict', 'maf', 'seg', 'wig', 'yaml', 'yml', 'xml', 'sha256'].map(
    text,
  ),
  ['json', 'application/json'],
  ['html', 'text/html; charset=utf-8'],
  ['pdf', 'application/pdf'],
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['svg', 'image/svg+xml'],
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
