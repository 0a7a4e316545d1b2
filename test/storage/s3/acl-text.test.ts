import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Acl } from '../../../src/storage/access/access-store.ts'
import { parseAclText } from '../../../src/storage/s3/acl-text.ts'

/** As RGW, AWS and others write it, with the blanks and names that they put in between. */
function aclText({ ownerId, grants }: Acl, { blank = '', name = '' } = {}): string {
  const grantText = grants.map(({ grantee, permission }) => {
    const who =
      grantee.type === 'group'
        ? `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>${grantee.uri}</URI></Grantee>`
        : `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>${grantee.id}</ID>${name}</Grantee>`
    return `<Grant>${who}<Permission>${permission}</Permission></Grant>`
  })
  const text = `<?xml version="1.0" encoding="UTF-8"?><AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>${ownerId}</ID>${name}</Owner><AccessControlList>${grantText.join('')}</AccessControlList></AccessControlPolicy>`
  return text.replaceAll('><', `>${blank}<`)
}

const id = fc.stringMatching(/^[\w$:.@-]{1,40}$/)
const grantee = fc.oneof(
  fc.record({ type: fc.constant('canonical' as const), id }),
  fc.record({ type: fc.constant('group' as const), uri: fc.webUrl().filter((url) => !/[&<>]/.test(url)) }),
)
const permission = fc.constantFrom('READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL' as const)
const acl = fc.record({
  ownerId: id,
  grants: fc.array(fc.record({ grantee, permission }), { maxLength: 5 }),
}) as fc.Arbitrary<Acl>

const written = {
  ownerId: 'a',
  grants: [{ grantee: { type: 'canonical', id: 'a' }, permission: 'READ' }],
} as const

describe('the text of an ACL', () => {
  it('is read as it was meant', () => {
    const name = fc.constantFrom('', '<DisplayName>An owner</DisplayName>', '<DisplayName/>')
    fc.assert(
      fc.property(acl, fc.constantFrom('', '\n  '), name, (meant, blank, shown) => {
        expect(parseAclText(aclText(meant, { blank, name: shown }))).toEqual(meant)
      }),
    )
  })

  it('is not read when a piece of it is missing, doubled or moved', () => {
    const text = aclText(written, { name: '<DisplayName>A</DisplayName>' })
    const pieces = text.split(/(?=<)/)
    fc.assert(
      fc.property(fc.nat(pieces.length - 1), (index) => {
        const isName = /DisplayName|^<\?xml/.test(pieces[index]!)
        fc.pre(!isName)
        expect(parseAclText(pieces.toSpliced(index, 1).join(''))).toBeUndefined()
        expect(parseAclText(pieces.toSpliced(index, 0, pieces[index]!).join(''))).toBeUndefined()
      }),
    )
  })

  it.each([
    ['an entity', aclText(written).replace('<ID>a', '<ID>a&amp;b')],
    ['an unknown permission', aclText(written).replace('>READ<', '>RESTORE<')],
    [
      'a grantee by mail',
      aclText(written).replace(/<ID>a<\/ID>(?=<\/Grantee>)/, '<EmailAddress>a</EmailAddress>'),
    ],
    ['a comment', aclText(written).replace('<Grant>', '<!-- --><Grant>')],
    ['something behind it', `${aclText(written)}<Grant/>`],
    ['a listing', '<ListBucketResult></ListBucketResult>'],
    ['nothing', ''],
  ])('is left to a parser of XML with %s', (_what, text) => {
    expect(parseAclText(text)).toBeUndefined()
  })
})
