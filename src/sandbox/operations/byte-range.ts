import { S3Error } from '../s3-error.ts'

export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/**
 * The range a Range header asks for (RFC 9110 §14.1.2); undefined for a header that is no single byte range,
 * which is ignored as the standard wants it. Throws InvalidRange when no byte of the object is in it.
 */
export function parseByteRange(header: string | undefined, size: number): ByteRange | undefined {
  const fields = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '')
  const [, first = '', last = ''] = fields ?? []
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    if (length === 0) throw unsatisfiable(size)
    return { offset: size - length, length }
  }
  const offset = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < offset) return undefined
  if (offset >= size) throw unsatisfiable(size)
  return { offset, length: end - offset + 1 }
}

/** The range of an UploadPartCopy: it has to lie inside its source (S3 API, x-amz-copy-source-range). Throws InvalidRange. */
export function parseCopyRange(header: string | undefined, size: number): ByteRange {
  if (header === undefined) return { offset: 0, length: size }
  const fields = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header)
  const [first, last] = [Number(fields?.[1]), Number(fields?.[2])]
  if (fields === null) throw new S3Error('InvalidArgument', 'x-amz-copy-source-range is bytes=FIRST-LAST')
  if (last < first || last >= size) throw unsatisfiable(size)
  return { offset: first, length: last - first + 1 }
}

function unsatisfiable(size: number): S3Error {
  return new S3Error('InvalidRange', 'the range is outside the object', {
    'content-range': `bytes */${size}`,
  })
}
