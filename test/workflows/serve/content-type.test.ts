import { expect, it } from 'vitest'
import { contentTypeOf } from '../../../src/workflows/serve/content-type.ts'

it.each([
  ['run/reads.vcf', 'text/plain; charset=utf-8'],
  ['run/multiqc.JSON', 'application/json'],
  ['plot.png', 'image/png'],
  ['reads.bam', 'application/octet-stream'],
  ['html', 'application/octet-stream'],
  ['a.html/b', 'application/octet-stream'],
])('%s is %s', (path, type) => {
  expect(contentTypeOf(path)).toBe(type)
})

it.each(['html', 'HTM', 'xhtml', 'xht', 'svg', 'svgz', 'xml', 'xsl', 'mht', 'mhtml'])(
  'a document that can ask for something is not shown as one: .%s',
  (ending) => {
    expect(contentTypeOf(`report.${ending}`)).toMatch(
      /^(text\/plain; charset=utf-8|application\/octet-stream)$/,
    )
  },
)
