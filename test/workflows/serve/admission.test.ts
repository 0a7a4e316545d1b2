import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { admit, type Admission } from '../../../src/workflows/serve/admission.ts'

const TOKEN = randomBytes(32).toString('base64url')
const HOST = '127.0.0.1:8123'

interface Attempt {
  method?: string
  target?: string
  headers?: IncomingHttpHeaders
  origins?: string[]
}

function attempt({
  method = 'GET',
  target = `/${TOKEN}/reads.bam`,
  headers = {},
  origins = [],
}: Attempt): Admission {
  const rules = { port: 8123, token: TOKEN, origins: new Set(origins) }
  return admit({ method, target, headers: { host: HOST, ...headers } }, rules)
}

describe('who is let in', () => {
  it.each([
    ['/reads.bam', 'reads.bam'],
    ['/', ''],
    ['/run_12/', 'run_12/'],
    ['/a%20b%2Fc+d', 'a b/c+d'],
    // Decoded once, and never taken for a way up.
    ['/%2525', '%25'],
    ['/../..//x', '../..//x'],
    ['/n%C3%A4yte.txt?seed=0.123', 'näyte.txt'],
    ['/reads.bam#top', 'reads.bam'],
  ])('%s with the token in front', (target, path) => {
    expect(attempt({ target: `/${TOKEN}${target}` })).toMatchObject({ method: 'GET', path })
  })

  it.each(['127.0.0.1:8123', 'localhost:8123', 'LOCALHOST:8123', '[::1]:8123'])('as %s', (host) => {
    expect(attempt({ headers: { host } })).toMatchObject({ path: 'reads.bam' })
  })

  it.each([
    undefined,
    '',
    'evil.example:8123',
    '127.0.0.1',
    '127.0.0.1:8124',
    'localhost.evil.example:8123',
    '127.0.0.1:8123.evil.example',
    '0.0.0.0:8123',
  ])('not as %s, whatever else is right', (host) => {
    expect(attempt({ headers: { host } })).toMatchObject({ status: 421 })
  })

  it('nobody without the very token, who is told nothing', () => {
    const wrong = fc.oneof(
      fc.constantFrom('', TOKEN.slice(0, -1), `${TOKEN}A`, TOKEN.toLowerCase(), ` ${TOKEN}`, `x/${TOKEN}`),
      fc.string(),
      fc.base64String({ minLength: 40, maxLength: 44 }),
    )
    const method = fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'PUT')
    fc.assert(
      fc.property(wrong, fc.webPath(), method, (token, rest, method) => {
        fc.pre(token !== TOKEN)
        const origin = 'https://igv.org'
        const seen = attempt({ target: `/${token}${rest}`, method, headers: { origin }, origins: [origin] })
        expect(seen).toMatchObject({ status: 404 })
        expect(JSON.stringify(seen)).not.toMatch(/Allow|Access-Control|Location/)
      }),
    )
    expect(attempt({ target: '*' })).toMatchObject({ status: 404 })
    expect(attempt({ target: `http://${HOST}/${TOKEN}/` })).toMatchObject({ status: 404 })
  })

  it('only to read', () => {
    for (const method of ['PUT', 'POST', 'DELETE', 'OPTIONS', 'TRACE']) {
      expect(attempt({ method })).toMatchObject({ status: 405, headers: { Allow: 'GET, HEAD' } })
    }
    expect(attempt({ method: 'HEAD' })).toMatchObject({ method: 'HEAD', path: 'reads.bam' })
  })

  it('with the slash that links need, and a path that can be decoded', () => {
    const slash = attempt({ target: `/${TOKEN}` })
    expect(slash).toMatchObject({ status: 308, headers: { Location: `/${TOKEN}/` } })
    expect(attempt({ target: `/${TOKEN}/%ff` })).toMatchObject({ status: 404 })
  })

  it('and is told to keep nothing', () => {
    for (const seen of [attempt({}), attempt({ target: '/' }), attempt({ method: 'PUT' })]) {
      expect(seen.headers).toMatchObject({
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
        'Cross-Origin-Resource-Policy': 'same-origin',
      })
    }
  })
})

describe('pages of other origins', () => {
  const origins = ['https://igv.org']

  it('may read when they were named, letter by letter', () => {
    const allowed = attempt({ origins, headers: { origin: 'https://igv.org' } })
    expect(allowed.headers).toMatchObject({
      'Access-Control-Allow-Origin': 'https://igv.org',
      Vary: 'Origin',
    })
    expect(allowed.headers['Access-Control-Expose-Headers']).toContain('Content-Range')
    for (const origin of ['https://igv.org.evil.example', 'http://igv.org', 'https://igv.org:8443', 'null']) {
      const seen = attempt({ origins, headers: { origin } })
      expect(seen.headers['Access-Control-Allow-Origin']).toBeUndefined()
    }
    expect(attempt({ headers: { origin: 'https://igv.org' } }).headers).not.toHaveProperty('Vary')
  })

  it('are answered before they ask', () => {
    const headers = {
      origin: 'https://igv.org',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'range',
      'access-control-request-private-network': 'true',
    }
    const seen = attempt({ method: 'OPTIONS', origins, headers })
    expect(seen).toMatchObject({
      status: 204,
      headers: {
        'Access-Control-Allow-Origin': 'https://igv.org',
        'Access-Control-Allow-Methods': 'GET, HEAD',
        'Access-Control-Allow-Private-Network': 'true',
      },
    })
    expect(seen.headers['Access-Control-Allow-Headers']).toContain('Range')
    const stranger = attempt({
      method: 'OPTIONS',
      origins,
      headers: { ...headers, origin: 'https://evil.example' },
    })
    expect(stranger).toMatchObject({ status: 403 })
    expect(JSON.stringify(stranger)).not.toContain('Access-Control')
  })
})
