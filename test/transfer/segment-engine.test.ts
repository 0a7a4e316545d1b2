import { openSync, closeSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newDataKey, openSegments } from '../../src/crypto/crypt4gh/segment.ts'
import { encryptedBodySize } from '../../src/crypto/crypt4gh/sizes.ts'
import { startSegmentEngine } from '../../src/transfer/segment-engine.ts'

async function withFile(content: Uint8Array, use: (fd: number, path: string) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'sealift-engine-'))
  const path = join(folder, 'source')
  await writeFile(path, content)
  const fd = openSync(path, 'r')
  try {
    await use(fd, path)
  } finally {
    closeSync(fd)
    await rm(folder, { recursive: true })
  }
}

describe.each([0, 2])('segment tasks on %i worker threads', (threads) => {
  it('seal what can be opened again, and hash all of the part', async () => {
    const plaintext = randomBytes(200_000)
    await withFile(plaintext, async (fd) => {
      const engine = startSegmentEngine(plaintext.length, threads)
      const dataKey = newDataKey()
      const size = encryptedBodySize(plaintext.length)
      const results = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const slot = new SharedArrayBuffer(size + 7)
          const result = await engine.run({
            kind: 'seal-to-memory',
            dataKey,
            fd,
            plaintextOffset: 0,
            plaintextLength: plaintext.length,
            slot,
            slotOffset: 7,
          })
          return { slot: new Uint8Array(slot), ...result }
        }),
      )
      await engine.close()
      const digests = new Set<string | undefined>()
      for (const { slot, length, sha256 } of results) {
        expect(length).toBe(size + 7)
        const opened = new Uint8Array(plaintext.length)
        openSegments([dataKey], slot.slice(7), opened)
        expect(Buffer.from(opened).equals(plaintext)).toBe(true)
        const { createHash } = await import('node:crypto')
        expect(sha256).toBe(createHash('sha256').update(slot.slice()).digest('hex'))
        digests.add(sha256)
      }
      expect(digests.size).toBe(5)
    })
  })

  it('fail with the code and the segment, and the next task runs', async () => {
    await withFile(randomBytes(65_564 * 2), async (fd, path) => {
      const engine = startSegmentEngine(0, threads)
      const outFd = openSync(path + '.out', 'w')
      const open = () =>
        engine.run({
          kind: 'open-from-file',
          dataKeys: [newDataKey()],
          fd,
          offset: 0,
          length: 65_564,
          firstSegment: 41,
          outFd,
          outOffset: 0,
        })
      await expect(open()).rejects.toMatchObject({
        code: 'AUTHENTICATION_FAILED',
        message: expect.stringContaining('segment 41') as string,
      })
      await expect(open()).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
      closeSync(outFd)
      await engine.close()
    })
  })

  it('notice a source that ends too early', async () => {
    await withFile(randomBytes(100), async (fd) => {
      const engine = startSegmentEngine(0, threads)
      await expect(
        engine.run({
          kind: 'seal-to-memory',
          dataKey: newDataKey(),
          fd,
          plaintextOffset: 0,
          plaintextLength: 101,
          slot: new SharedArrayBuffer(1000),
          slotOffset: 0,
        }),
      ).rejects.toMatchObject({ code: 'FILE_CHANGED' })
      await engine.close()
    })
  })

  it('pass on what the file system says', async () => {
    await withFile(randomBytes(100), async (fd) => {
      const engine = startSegmentEngine(0, threads)
      const readOnly = openSync('/dev/null', 'r')
      await expect(
        engine.run({
          kind: 'seal-to-file',
          dataKey: newDataKey(),
          fd,
          plaintextOffset: 0,
          plaintextLength: 100,
          outFd: readOnly,
          outOffset: 0,
        }),
      ).rejects.toMatchObject({ code: 'EBADF' })
      closeSync(readOnly)
      await engine.close()
    })
  })
})
