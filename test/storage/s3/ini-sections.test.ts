import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIniSections } from '../../../src/storage/s3/ini-sections.ts'
import { parseRcloneConfig } from '../../../src/storage/s3/rclone-config.ts'
import { parseS3cmdConfig } from '../../../src/storage/s3/s3cmd-config.ts'

const word = fc.stringMatching(/^[a-z_][a-z0-9_]{0,12}$/)
const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/)
const sections = fc.uniqueArray(
  fc.record({ name: word, options: fc.uniqueArray(fc.tuple(word, value), { selector: ([name]) => name }) }),
  { selector: ({ name }) => name },
)

describe('INI files of other programs', () => {
  it('give back every option that was written, whatever the ends of lines and the blanks around', () => {
    fc.assert(
      fc.property(
        sections,
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom('=', ' = ', '   = ', '\t=\t', ': '),
        fc.boolean(),
        (written, end, separator, upperCase) => {
          const text = written
            .flatMap(({ name, options }) => [
              `# a comment = none`,
              `[${name}]`,
              ...options.map(
                ([key, content]) => `${upperCase ? key.toUpperCase() : key}${separator}${content}`,
              ),
              '',
            ])
            .join(end)
          expect(
            parseIniSections(text).map(({ name, options }) => ({ name, options: { ...options } })),
          ).toEqual(written.map(({ name, options }) => ({ name, options: Object.fromEntries(options) })))
        },
      ),
    )
  })

  it('of any content are read without an error, and hold no key that was not written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        for (const found of [...parseRcloneConfig(text, 'f'), parseS3cmdConfig(text, '', 'f')]) {
          if (found.keys !== undefined) expect(text).toContain(found.keys.secretAccessKey)
        }
        for (const { options } of parseIniSections(text))
          expect(options.constructor).not.toBeTypeOf('function')
      }),
    )
  })

  it('whose section comes twice keep the later value, as rclone does', () => {
    const twice = '[a]\ntype = s3\naccess_key_id = old\n[b]\n[a]\naccess_key_id = new\n'
    const [first] = parseIniSections(twice)
    expect({ ...first?.options }).toEqual({ type: 's3', access_key_id: 'new' })
  })
})
