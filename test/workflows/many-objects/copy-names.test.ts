import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyNames, parseCopyPlaces, uncopied } from '../../../src/workflows/many-objects/copy-names.ts'
import type { S3Location } from '../../../src/workflows/s3-url.ts'

function at(url: string): S3Location {
  const [, bucket = '', objectKey = ''] = /^([^/]*)\/(.*)$/.exec(url) ?? []
  return { bucket, objectKey }
}

function named(source: string, target: string, objectKey = at(source).objectKey): string {
  const name = copyNames({ source: at(source), target: at(target) })(objectKey)
  return `${name.bucket}/${name.objectKey}`
}

/** Names with what servers and shells stumble over. */
const part = fc.stringMatching(/^[a-c %+ä.]{1,3}$/)
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
const prefix = fc.array(part, { maxLength: 3 }).map((names) => names.map((name) => `${name}/`).join(''))

describe('the name of a copy', () => {
  it('is the target, or the own name below one that ends in a slash', () => {
    expect(named('a/run/reads.bam', 'b/other.bam')).toBe('b/other.bam')
    expect(named('a/run/reads.bam', 'b/bam/')).toBe('b/bam/reads.bam')
    expect(named('a/run/reads.bam', 'b/')).toBe('b/reads.bam')
    expect(named('a/run/', 'b/run_12/', 'run/lane 1/r%2B+.bam')).toBe('b/run_12/lane 1/r%2B+.bam')
    expect(named('a/', 'b/all/', 'x//y')).toBe('b/all/x//y')
  })

  it('keeps what comes after the prefix as it stands, and no two objects get the same', () => {
    fc.assert(
      fc.property(prefix, prefix, fc.uniqueArray(path, { minLength: 1 }), (from, to, rests) => {
        const source = { bucket: 'a', objectKey: from }
        const name = copyNames({ source, target: { bucket: 'b', objectKey: to } })
        const copies = rests.map((rest) => name(from + rest))
        expect(copies).toEqual(rests.map((rest) => ({ bucket: 'b', objectKey: to + rest })))
        expect(new Set(copies.map(({ objectKey }) => objectKey)).size).toBe(rests.length)
      }),
    )
  })

  it('never lies among what is copied: a run would meet its own copies', () => {
    const code = (run: () => unknown): string | undefined => {
      try {
        run()
        return undefined
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    fc.assert(
      fc.property(prefix, prefix, path, (from, to, rest) => {
        const places = { source: at(`a/${from}`), target: at(`a/${to}`) }
        let copy: string | undefined
        const failed = code(() => {
          copy = copyNames(places)(from + rest).objectKey
        })
        const isInside = (to + rest).startsWith(from)
        if (isInside) expect(failed).toBe('USAGE')
        else if (failed === undefined) expect(copy).toBe(to + rest)
      }),
    )
  })

  it.each([
    ['a/k', 'a/k', /onto itself/],
    ['a/run/k', 'a/run/', /onto itself/],
    // On a server that keeps files these are one.
    ['a/run//k', 'a/run/k', /onto itself/],
    ['a/run/./k', 'a/run/k', /onto itself/],
    ['a/run/', 'a/run/', /onto itself/],
    ['a/run/', 'a/run/copy/', /into itself/],
    ['a/', 'a/archive/', /into itself/],
    ['a/run/', 'b/run_2', /one name/],
  ])('from %s to %s is refused', (source, target, message) => {
    expect(() => copyNames({ source: at(source), target: at(target) })).toThrow(message)
  })

  it('has at most 1024 bytes', () => {
    const name = copyNames({ source: at('a/run/'), target: at(`b/${'ä'.repeat(500)}/`) })
    expect(name(`run/${'x'.repeat(23)}`).objectKey).toHaveLength(524)
    expect(() => name(`run/${'x'.repeat(24)}`)).toThrow(/1025 bytes/)
  })
})

describe('left out', () => {
  const why = (source: string, target: string, objectKey: string, keys = false) =>
    uncopied({ source: at(source), target: at(target) }, keys)(objectKey)

  it('is what would become a published key unasked', () => {
    expect(why('a/', 'b/', 'keys/x.pub')).toBe('publishedKeys')
    expect(why('a/run/', 'b/', 'run/keys/x.pub')).toBe('publishedKeys')
    expect(why('a/', 'b/', 'keys/x.pub', true)).toBeUndefined()
    expect(why('a/keys/', 'b/keys/', 'keys/x.pub')).toBeUndefined()
    expect(why('a/', 'b/backup/', 'keys/x.pub')).toBeUndefined()
    expect(why('a/keys/x.pub', 'b/keys/x.pub', 'keys/x.pub')).toBeUndefined()
  })

  it('is the mark of the folder itself where its copy would have no name', () => {
    expect(why('a/run/', 'b/', 'run/')).toBe('folderItself')
    expect(why('a/run/', 'b/run/', 'run/')).toBeUndefined()
  })
})

describe('places', () => {
  it('are in the store; a local path is told the command that is meant', () => {
    expect(parseCopyPlaces('s3://bucket-a/x', 's3://t:bucket-b/y/')).toEqual({
      source: { bucket: 'bucket-a', objectKey: 'x' },
      target: { bucket: 't:bucket-b', objectKey: 'y/' },
    })
    const refused = (source: string, target: string): unknown => {
      try {
        return parseCopyPlaces(source, target)
      } catch (error) {
        return error
      }
    }
    expect(refused('reads.bam', 's3://bucket-b/')).toMatchObject({
      code: 'USAGE',
      hints: [expect.stringContaining('sealift upload')],
    })
    expect(refused('s3://bucket-a/x', '.')).toMatchObject({
      code: 'USAGE',
      hints: [expect.stringContaining('sealift download')],
    })
  })
})
