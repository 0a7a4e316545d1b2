/** Transfers on a line that breaks; `npm run faults` is the long campaign. */
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { EXIT } from '../../src/cli/exit-codes.ts'
import { AppError } from '../../src/util/errors.ts'
import { download } from '../../src/workflows/download.ts'
import { upload } from '../../src/workflows/upload.ts'
import { faultCounts, faultRun, storeAt } from '../faults/campaign.ts'
import type { FaultRun } from '../faults/campaign.ts'
import { openSite } from '../faults/ground.ts'
import type { Site } from '../faults/ground.ts'
import { backends } from '../support/backends.ts'
import { createPerson } from '../support/cli.ts'
import type { Person } from '../support/cli.ts'
import { FAULT_KINDS, startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultKind } from '../support/fault-proxy.ts'

const SEED = 2026
const RUNS = 16
/** A run of large files in which threads are harmed, and not much waited. */
const LARGE_RUN = 3
const MIB = 1024 ** 2

let site: Site
beforeAll(async () => {
  site = await openSite(backends()[0]!)
})
afterAll(async () => {
  await site.close()
})

describe('a line that breaks, delays, cuts and falsifies', () => {
  it(`${RUNS} transfers end right or fail with a documented code, and none lies`, async () => {
    const runs: FaultRun[] = []
    for (let run = 0; run < RUNS; run += 1) {
      const done = await faultRun(site.upstream, site.ground, SEED, run)
      expect({ run, findings: done.findings, faults: done.findings.length > 0 ? done.faults : [] }).toEqual({
        run,
        findings: [],
        faults: [],
      })
      runs.push(done)
    }
    // Harm was done, and most transfers came through it.
    const kinds = [...faultCounts(runs)].filter(([, times]) => times > 0)
    expect(kinds.length).toBeGreaterThan(FAULT_KINDS.length / 2)
    expect(runs.filter(({ ends, faults }) => faults.length > 0 && ends[0] === '0').length).toBeGreaterThan(5)
  })

  it('a large download, which threads fetch, ends right through the same harm', async () => {
    const { ends, faults, fetches, findings } = await faultRun(
      site.upstream,
      site.ground,
      SEED,
      LARGE_RUN,
      true,
    )
    expect({ ends, findings }).toEqual({ ends: ['0'], findings: [] })
    expect(fetches.brought).toBeGreaterThan(0)
    expect(fetches.left).toBeGreaterThan(0)
    expect(faults.length).toBeGreaterThan(0)
  })

  it('what it flips arrives flipped: nothing in HTTP finds that out', async () => {
    const { bucket, folder, plainStore } = site.ground
    const object = randomBytes(1000)
    await plainStore.putObject(bucket, 'flip', object)
    const proxy = await startFaultProxy({
      upstream: site.upstream.endpoint,
      seed: SEED,
      probability: 1,
      kinds: ['flip'],
    })
    const store = storeAt({ ...site.upstream, endpoint: proxy.endpoint })
    const { body } = await store.getObject(bucket, 'flip')
    const file = join(folder, 'flipped')
    await writeFile(file, body)
    store.close()
    await proxy.close()
    const received = await readFile(file)
    expect(received).toHaveLength(1000)
    expect(received.equals(object)).toBe(false)
  })
})

describe('each fault alone, in every request', () => {
  const kinds: readonly FaultKind[] = [
    'reset-before',
    'reset-after',
    '500',
    '500-after',
    '503',
    'stall',
    'flip',
  ]

  for (const kind of kinds) {
    it(`${kind}: a download fails and leaves no file`, async () => {
      const { bucket, folder, plainStore, reader } = site.ground
      const source = join(folder, `${kind}.source`)
      await writeFile(source, randomBytes(300_000))
      const recipients = [{ name: 'reader', publicKey: reader.publicKey, fingerprint: '' }]
      await upload({ store: plainStore, sources: [source], bucket, target: kind, recipients, force: true })
      const proxy = await startFaultProxy({
        upstream: site.upstream.endpoint,
        seed: SEED,
        probability: 1,
        kinds: [kind],
        stall: 2500,
      })
      const store = storeAt({ ...site.upstream, endpoint: proxy.endpoint }, { attempts: 2, baseDelay: 0.01 })
      const destination = join(folder, `${kind}.received`)
      const got = download({
        store,
        bucket,
        source: kind,
        destination,
        identities: [reader],
        decrypt: true,
        force: false,
      })
      await expect(got).rejects.toBeInstanceOf(AppError)
      await expect(readFile(destination)).rejects.toMatchObject({ code: 'ENOENT' })
      store.close()
      await proxy.close()
    })
  }
})

describe('the command itself', () => {
  let person: Person
  let proxy: Awaited<ReturnType<typeof startFaultProxy>>
  beforeAll(async () => {
    proxy = await startFaultProxy({
      upstream: site.upstream.endpoint,
      seed: SEED,
      probability: 0.25,
      // The command waits a minute before it gives a silent connection up.
      kinds: FAULT_KINDS.filter((kind) => kind !== 'stall'),
    })
    person = await createPerson(proxy.endpoint, site.upstream)
  })
  afterAll(async () => {
    await person.leave()
    await proxy.close()
  })

  it('brings a file there and back on a bad line', async () => {
    await person.json(['key', 'generate', 'own', '--no-passphrase'])
    const content = randomBytes(12 * MIB)
    await writeFile(join(person.home, 'reads.bin'), content)
    const { bucket } = site.ground
    const target = `s3://${bucket}/command/reads.bin.c4gh`
    const sent = await person.sealift([
      'upload',
      'reads.bin',
      target,
      '--to',
      'own.pub',
      '--part-size',
      '5MiB',
    ])
    expect(sent).toMatchObject({ code: EXIT.done })
    const received = await person.sealift(['download', target, 'back.bin', '--identity', 'own.sec'])
    expect(received).toMatchObject({ code: EXIT.done })
    expect((await readFile(join(person.home, 'back.bin'))).equals(content)).toBe(true)
    expect(proxy.faults.length).toBeGreaterThan(0)
  })
})
