import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyRoot } from '../../../src/storage/s3/probe/body-root.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('what an answer is', () => {
  it.each([
    ['<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3">', 'ListBucketResult'],
    ['<AccessControlPolicy/>', 'AccessControlPolicy'],
    ['\uFEFF<?xml version="1.0"?><!-- a > b --><s3:Error>x</s3:Error>', 'Error'],
    ['<!DOCTYPE html>\n<html lang="en">', 'html'],
    ['  {"Statement": []}', '{'],
    ['', undefined],
    ['plain text', undefined],
    ['<?xml version="1.0"?>', undefined],
    ['<', undefined],
  ])('%j', (text, root) => {
    expect(bodyRoot(bytes(text))).toBe(root)
  })

  it('is found, or not, in any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        const root = bodyRoot(body)
        if (root !== undefined) expect(new TextDecoder().decode(body)).toContain(root)
      }),
    )
  })
})
