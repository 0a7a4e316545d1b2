import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { startChromium, type Chromium } from '../support/chromium.ts'
import { createPerson, type Person } from '../support/cli.ts'
import { missing } from '../support/requirements.ts'
import { startServing, type Serving } from '../support/serving.ts'

const CONTENT = randomBytes(200_000)
const project = { uid: 'animine', accessKeyId: 'AKanimine', secretAccessKey: 'SKanimine' }

describe.skipIf(missing('chromium') !== undefined)('what is served, in a browser', () => {
  let directory: string
  let sandbox: Sandbox
  let person: Person
  let serving: Serving
  let chromium: Chromium
  let pages: Server[]

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sealift-sandbox-'))
    sandbox = await startSandbox({ directory, projects: [project], port: 0 })
    person = await createPerson(sandbox.endpoint, project)
    await person.json(['key', 'generate', 'animine', '--no-passphrase'])
    await person.json(['bucket', 'open', 'animine-data-import-1', '--for', 'rgw:producer'])
    await writeFile(join(person.home, 'reads.bam'), CONTENT)
    await writeFile(
      join(person.home, 'report.html'),
      '<p>before</p><script>document.body.textContent = "ran"</script>',
    )
    await person.json([
      'upload',
      'reads.bam',
      'report.html',
      's3://animine-data-import-1/run/',
      '--to',
      'animine.pub',
    ])
    pages = [await emptyPage(), await emptyPage()]
    const origin = originOf(pages[0]!)
    const args = ['s3://animine-data-import-1/run/', '--identity', 'animine.sec', '--allow-origin', origin]
    serving = await startServing(person, args)
    chromium = await startChromium()
  })
  afterAll(async () => {
    await chromium.close()
    await serving.end()
    for (const page of pages) page.close()
    await person.leave()
    await sandbox.close()
    await rm(directory, { recursive: true, force: true })
  })

  /** What a page of an origin gets when it asks for a range; with headers that a browser asks leave for first. */
  const readFrom = async (page: Server): Promise<unknown> => {
    const opened = await chromium.open(originOf(page))
    const headers = { Range: 'bytes=70000-70009', 'If-Match': '*' }
    return opened.evaluate(`fetch(${JSON.stringify(`${serving.address}reads.bam`)}, { headers: ${JSON.stringify(headers)} })
      .then(async (answer) => [answer.status, answer.headers.get('content-range'), ...new Uint8Array(await answer.arrayBuffer())])
      .catch((error) => error.name)`)
  }

  it('is read by a page that was named, and by no other', async () => {
    expect(await readFrom(pages[0]!)).toEqual([
      206,
      `bytes 70000-70009/${CONTENT.length}`,
      ...CONTENT.subarray(70_000, 70_010),
    ])
    expect(await readFrom(pages[1]!)).toBe('TypeError')
  })

  it('is listed, and its documents are shown as text', async () => {
    const list = await chromium.open(serving.address)
    expect(await list.evaluate(`[...document.links].map((link) => link.textContent)`)).toEqual([
      'reads.bam',
      'report.html',
    ])
    const report = await chromium.open(`${serving.address}report.html`)
    expect(await report.evaluate('document.body.textContent')).toContain('<p>before</p><script>')
  })
})

async function emptyPage(): Promise<Server> {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end('<!doctype html><title>page</title>')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
