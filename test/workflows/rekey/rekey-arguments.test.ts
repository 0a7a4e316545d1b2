import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hasCode } from '../../../src/util/errors.ts'
import { checkRekeyRequest, rekeyTarget } from '../../../src/workflows/rekey/rekey-arguments.ts'
import type { RekeyObjectsRequest } from '../../../src/workflows/rekey/rekey-objects.ts'

const segment = fc.constantFrom('a', 'b', 'ab', 'ä', '', '..')
const prefix = fc
  .array(segment, { maxLength: 3 })
  .map((segments) => segments.map((name) => `${name}/`).join(''))
const rest = fc.tuple(prefix, fc.constantFrom('a', 'b', 'reads.c4gh', '')).map(([path, name]) => path + name)
const bucket = fc.constantFrom('inbox', 'results')
const place = fc.record({ bucket, objectKey: prefix })

const request = (
  from: RekeyObjectsRequest['place'],
  into: RekeyObjectsRequest['into'],
): RekeyObjectsRequest => ({
  place: from,
  into,
  change: { identities: [], added: [new Uint8Array(32)], removed: [], dropOthers: false },
  names: { added: [], removed: [] },
  force: false,
  deep: false,
  deleteReplaced: false,
  dryRun: false,
})

function isRefused(from: RekeyObjectsRequest['place'], into: RekeyObjectsRequest['into']): boolean {
  try {
    checkRekeyRequest(request(from, into))
    return false
  } catch (error) {
    if (hasCode(error, 'USAGE')) return true
    throw error
  }
}

it('what goes elsewhere never lies among the objects that are still listed', () => {
  fc.assert(
    fc.property(place, place, rest, (from, into, below) => {
      fc.pre(!isRefused(from, into))
      const target = rekeyTarget(from, into, { objectKey: from.objectKey + below })
      expect(target.bucket === from.bucket && target.objectKey.startsWith(from.objectKey)).toBe(false)
    }),
  )
})

it('two objects never become one, and each keeps its name below the prefix', () => {
  fc.assert(
    fc.property(place, place, rest, rest, (from, into, one, other) => {
      const targets = [one, other].map(
        (below) => rekeyTarget(from, into, { objectKey: from.objectKey + below }).objectKey,
      )
      expect(targets).toEqual([into.objectKey + one, into.objectKey + other])
    }),
  )
})

it('prefixes of two buckets never stand in each other’s way', () => {
  fc.assert(
    fc.property(prefix, prefix, (from, into) => {
      expect(isRefused({ bucket: 'inbox', objectKey: from }, { bucket: 'results', objectKey: into })).toBe(
        false,
      )
    }),
  )
})

it('a single object keeps its name in a folder, or gets the one that was given', () => {
  const source = { bucket: 'inbox', objectKey: 'run/a/reads.c4gh' }
  const into = (objectKey: string) => rekeyTarget(source, { bucket: 'results', objectKey }, source).objectKey
  expect(into('')).toBe('reads.c4gh')
  expect(into('x/')).toBe('x/reads.c4gh')
  expect(into('x')).toBe('x')
  expect(rekeyTarget(source, undefined, source)).toEqual(source)
})
