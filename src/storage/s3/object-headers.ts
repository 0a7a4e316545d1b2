import type { ObjectHeaders } from '../object-store.ts'
import { decodeHeader } from './utf8-headers.ts'

/** What answers about an object say of it, as the SDK names it. */
interface HeadersAnswer {
  ContentType?: string | undefined
  ContentEncoding?: string | undefined
  ContentDisposition?: string | undefined
  ContentLanguage?: string | undefined
  CacheControl?: string | undefined
  ExpiresString?: string | undefined
  Metadata?: Record<string, string> | undefined
}

/** The same for a request: what is absent must not be there at all. */
interface HeadersInput {
  ContentType?: string
  ContentEncoding?: string
  ContentDisposition?: string
  ContentLanguage?: string
  CacheControl?: string
  Expires?: Date
  Metadata?: Record<string, string>
}

export function parseObjectHeaders(answer: HeadersAnswer): ObjectHeaders {
  const text = (value: string | undefined): string | undefined =>
    value === undefined ? undefined : decodeHeader(value)
  const metadata = Object.entries(answer.Metadata ?? {}).map(([name, value]) => [name, decodeHeader(value)])
  return {
    contentType: text(answer.ContentType),
    contentEncoding: text(answer.ContentEncoding),
    contentDisposition: text(answer.ContentDisposition),
    contentLanguage: text(answer.ContentLanguage),
    cacheControl: text(answer.CacheControl),
    expires: dateOf(answer.ExpiresString),
    metadata: Object.fromEntries(metadata) as Record<string, string>,
  }
}

export function serializeObjectHeaders(headers: ObjectHeaders): HeadersInput {
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, expires } = headers
  return {
    ...(contentType === undefined ? {} : { ContentType: contentType }),
    ...(contentEncoding === undefined ? {} : { ContentEncoding: contentEncoding }),
    ...(contentDisposition === undefined ? {} : { ContentDisposition: contentDisposition }),
    ...(contentLanguage === undefined ? {} : { ContentLanguage: contentLanguage }),
    ...(cacheControl === undefined ? {} : { CacheControl: cacheControl }),
    ...(expires === undefined ? {} : { Expires: expires }),
    Metadata: { ...headers.metadata },
  }
}

function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}
