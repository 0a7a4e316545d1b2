/**
 * `sealift/crypt4gh` as a program in a browser gets it: bundled by package.json's own rules, in a real Chromium.
 * Every vector and every key file gets the verdict it gets in Node.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decryptStream, fingerprint } from '../../src/crypt4gh.ts'
import { REFUSALS } from '../crypto/refusals.ts'
import { chunked, collect, identityOf, index, readVector } from '../crypto/vectors.ts'
import { startChromium } from '../support/chromium.ts'
import type { Chromium, Page } from '../support/chromium.ts'
import { missing } from '../support/requirements.ts'
import type { KeyOutcome, Outcomes, pageFor, RoundTrip } from './page.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SIZES = [0, 1, 65_535, 65_536, 65_537, 3 * 1_048_576 + 17]
const KINDS: Record<string, string> = { openssh: 'openssh-ed25519', pkcs8: 'openssl-x25519', raw: 'raw' }

const reason = missing('chromium')

describe.skipIf(reason !== undefined)(`in Chromium${reason === undefined ? '' : ` (${reason})`}`, () => {
  let folder: string
  let bundle: string
  let server: Server
  let chromium: Chromium
  let page: Page
  beforeAll(async () => {
    mkdirSync(join(ROOT, '.tmp'), { recursive: true })
    folder = mkdtempSync(join(ROOT, '.tmp', 'browser-'))
    bundle = bundled(folder)
    server = await serve(bundle)
    chromium = await startChromium()
    page = await chromium.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  })
  afterAll(async () => {
    await chromium.close()
    server.close()
    rmSync(folder, { recursive: true })
  })

  it('the bundle holds nothing of Node, of a store or of a command line', () => {
    expect(bundle).not.toMatch(/["']node:|require\(["'](crypto|fs|path)["']\)/)
    expect(bundle).not.toMatch(/\bBuffer\.(from|concat|alloc)/)
    expect(bundle).not.toMatch(/@aws-sdk|@oclif|NoSuchBucket|worker_threads/)
  })

  describe('every vector gets its verdict', () => {
    let outcomes: Record<string, Outcomes>
    beforeAll(async () => {
      outcomes = await ask('vectors', index.vectors, index.keys)
    })

    it.each(index.vectors)('$name', (vector) => {
      const ways = Object.entries(outcomes[vector.name]!)
      expect(ways).toHaveLength(5 * vector.reader.length)
      for (const [way, outcome] of ways) {
        if (vector.expected !== 'reject') {
          const { plaintext_len: length, plaintext_sha256: sha256 } = vector
          expect([way, outcome]).toEqual([way, { length, sha256 }])
          continue
        }
        const [code, released] = REFUSALS[vector.name]!
        expect([way, outcome.code]).toEqual([way, code])
        // A reader of ranges asks for more than a segment at a time, and gives none of it.
        if (!way.startsWith('by ranges')) expect([way, outcome.length]).toEqual([way, released])
      }
    })
  })

  describe('every key file is read', () => {
    let outcomes: Record<string, KeyOutcome>
    beforeAll(async () => {
      outcomes = await ask('keys', index.keys)
    })

    it.each(Object.entries(index.keys))('%s', (name, key) => {
      expect(outcomes[name]).toEqual({
        publicKey: key.x25519_public_hex,
        kind: KINDS[key.kdf] ?? 'crypt4gh',
        recipients: [key.x25519_public_hex],
        fingerprint: fingerprint(Buffer.from(key.x25519_public_hex, 'hex')),
      })
    })

    it.each(['aes192-ctr', '3des-cbc'])('but for one under %s, which Chromium lacks', async (cipher) => {
      expect(await ask('refusal', underCipher(cipher), 'sshpass')).toMatch(
        /^this browser can't decrypt (aes-192-ctr|des-ede3-cbc)$/,
      )
    })
  })

  it('what is encrypted there decrypts there, by ranges too, and here', async () => {
    const alice = await identityOf('alice')
    const trips = await ask<RoundTrip[]>('roundTrips', SIZES, Buffer.from(alice.publicKey).toString('hex'))
    expect(trips.map(({ size, same, fromMiddle }) => [size, same, fromMiddle])).toEqual(
      SIZES.map((size) => [size, true, true]),
    )
    for (const { size, file } of trips.filter((trip) => trip.file !== '')) {
      const opened = await collect(decryptStream(chunked(Buffer.from(file, 'base64')), [alice]))
      expect(opened).toEqual(Uint8Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8)) & 0xff))
    }
  })

  it('a key pair made there is locked with scrypt and opens again', async () => {
    const [text, comment, read, made] = await ask<string[]>('ownKey', 'correct horse')
    expect(text).toContain('-----BEGIN CRYPT4GH ENCRYPTED PRIVATE KEY-----\nYzRnaC12MQAGc2NyeXB0ABQAAAAA')
    expect([comment, read]).toEqual(['from a browser', made])
  })

  async function ask<T>(name: keyof ReturnType<typeof pageFor>, ...parameters: unknown[]): Promise<T> {
    const list = parameters.map((parameter) => JSON.stringify(parameter)).join()
    return (await page.evaluate(`page.${name}(${list})`)) as T
  }
})

/** One module of the page's code and `sealift/crypt4gh`, found by the package's own name as others find it. */
function bundled(folder: string): string {
  const entry = join(folder, 'entry.mjs')
  const pageCode = JSON.stringify(join(ROOT, 'test', 'browser', 'page.ts'))
  const lines = [`import * as library from 'sealift/crypt4gh'`, `import { pageFor } from ${pageCode}`]
  writeFileSync(entry, [...lines, 'globalThis.page = pageFor(library)'].join('\n'))
  const out = join(folder, 'bundle.mjs')
  const rolldown = join(ROOT, 'node_modules', 'rolldown', 'bin', 'cli.mjs')
  const options = ['--input', entry, '--file', out, '--platform', 'browser', '--format', 'esm']
  execFileSync(process.execPath, [rolldown, ...options], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return readFileSync(out, 'utf8')
}

async function serve(bundle: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    if (path === '/') {
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>sealift</title><script type="module" src="/bundle.mjs"></script>')
    } else if (path === '/bundle.mjs') {
      response.setHeader('content-type', 'text/javascript')
      response.end(bundle)
    } else if (path.startsWith('/vectors/')) {
      response.end(readVector(path.slice('/vectors/'.length)))
    } else {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** The OpenSSH vector with another cipher's name in it, as base64; refused before anything is decrypted. */
function underCipher(cipher: string): string {
  const text = Buffer.from(readVector(index.keys['ssh-pass']!.secret_file)).toString('latin1')
  const bytes = Buffer.from(text.replaceAll(/-----.*-----|\n/g, ''), 'base64')
  const nameAt = bytes.indexOf('aes256-ctr')
  const length = Buffer.from([0, 0, 0, cipher.length])
  const rest = bytes.subarray(nameAt + 'aes256-ctr'.length)
  const renamed = Buffer.concat([bytes.subarray(0, nameAt - 4), length, Buffer.from(cipher), rest])
  const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\n${renamed.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`
  return Buffer.from(pem).toString('base64')
}
