import type { IncomingHttpHeaders } from 'node:http'

/** The value of a header that is given once. */
export function headerText(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}
